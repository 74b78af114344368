import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiProblem } from '../api-problem.js';
import { methodsAt } from './allowed-methods.js';
import { Forwarding } from './forwarding.js';
import { securityHeaders } from './security-headers.js';

/** What happens to each request before Nest sees it: security headers, the forwarding of what is source-watcher's, and 405 for a method an address has not. */
@Injectable()
export class FrontHooks {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost<FastifyAdapter>,
    private readonly forwarding: Forwarding,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance();
    fastify.addHook('onRequest', async (request, reply) => {
      if (this.forwarding.concerns(request.raw.url ?? '')) {
        reply.hijack();
        this.forwarding.forward(request.raw, reply.raw);
        return;
      }
      void reply.headers(securityHeaders);
      const methods = methodsAt(request.raw.url ?? '');
      if (methods === undefined || methods.includes(request.method)) return;
      const { body } = new ApiProblem(405, `There is no ${request.method} here; it takes ${methods.join(', ')}.`);
      return reply
        .status(405)
        .headers({ allow: methods.join(', '), 'content-type': 'application/problem+json' })
        .send(JSON.stringify(body));
    });
  }
}
