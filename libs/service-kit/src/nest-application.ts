import type { IncomingMessage, ServerResponse } from 'node:http';
import { Module, type Provider, StandardSchemaValidationPipe, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Registry } from 'prom-client';
import { type Logger, NestLogger } from './logging.js';
import { requestDurations } from './metrics.js';
import { ProblemFilter, problemOf } from './problem.js';
import { correlate } from './tracing.js';

/** Makes what every service is given visible in all its modules. */
@Module({})
class GivenModule {}

/** The module above a service's own: brings the given providers beside it. */
@Module({})
class ServiceRoot {}

/** A service's Nest application: initialised, not listening; requests come through `answer`. */
export interface NestService {
  readonly app: NestFastifyApplication;
  answer(request: IncomingMessage, response: ServerResponse): void;
}

/** Builds the Nest application of a service around what it is given. Throws what Nest throws when a provider cannot be made. */
export async function createNestService(
  root: Type,
  given: { providers: Provider[]; logger: Logger; registry: Registry; bodyLimit: number },
): Promise<NestService> {
  const providers = given.providers;
  const exports = providers.map((provider) => (typeof provider === 'function' ? provider : provider.provide));
  const adapter = new FastifyAdapter({
    bodyLimit: given.bodyLimit,
    requestIdHeader: false,
    genReqId: () => crypto.randomUUID(),
    logger: false,
    // As long as a request line can be: the schemas say what is too long, naming the field.
    routerOptions: { maxParamLength: 16_384 },
    // What the router refuses before any route is found, an address that is no URL above all.
    frameworkErrors: refuse,
  });
  const module = { module: ServiceRoot, imports: [{ module: GivenModule, global: true, providers, exports }, root] };
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    rawBody: true,
    logger: new NestLogger(given.logger),
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(given.logger));
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  const durations = requestDurations(given.registry);
  const fastify = adapter.getInstance();
  // What is neither JSON nor a form (a webhook of whatever type) arrives as it was sent, as body and rawBody.
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    Object.assign(request, { rawBody: body });
    done(null, body);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    durations.observe({ method: request.method, route, code: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
  return { app, answer: (request, response) => answer(fastify, request, response) };
}

/** What `refuse` needs of a reply of Fastify's, before any route was found for it. */
interface Unrouted {
  readonly raw: { statusCode: number; setHeader(name: string, value: string): unknown; end(text: string): unknown };
}

function refuse(error: Error, { id }: { readonly id: string }, { raw }: Unrouted): void {
  const body = problemOf(error, id);
  raw.statusCode = body.status;
  raw.setHeader('content-type', 'application/problem+json');
  raw.setHeader('cache-control', 'no-store');
  raw.end(JSON.stringify(body));
}

function answer(
  fastify: { routing(request: IncomingMessage, response: ServerResponse): void },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const traceparent = request.headers.traceparent;
  correlate(typeof traceparent === 'string' ? { traceparent } : {}, () => fastify.routing(request, response));
}
