import { Injectable } from '@nestjs/common';
import { Problem, type Route, routes } from '@slipway/api';
import { z } from 'zod';
import { version } from '../doctor-status.js';
import { fileSchemas } from './file-schemas.js';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the gateway, made from the table of routes when it is first asked for. */
@Injectable()
export class OpenApi {
  private made: Json | undefined;

  get document(): Json {
    this.made ??= documentOf(routes);
    return this.made;
  }
}

/** Writes a table of routes down as OpenAPI 3.1. */
export function documentOf(table: Readonly<Record<string, Route>>): Json {
  const paths: Record<string, Json> = { '/api/v1/events': { get: events } };
  for (const [name, route] of Object.entries(table)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Slipway',
      version,
      description: 'Takes commits to production with people’s sign-off. Errors are RFC 9457 problems that name each wrong field.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'A token made with `slipway token add`, shown once.' } },
      schemas: { Problem: schemaOf(Problem, 'output') },
      responses: {
        Problem: {
          description: 'Why not, and what to do.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operationOf(name: string, route: Route): Json {
  const parameters = [...parametersIn('path', route.params), ...parametersIn('query', route.query)];
  const takesBody = route.accepts === 'json-or-yaml' || !(route.body instanceof z.ZodUndefined);
  return {
    operationId: name,
    summary: route.summary,
    tags: [route.path.split('/')[3] ?? 'other'],
    'x-permission': route.permission,
    ...(route.permission === 'anyone' ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(takesBody ? { requestBody: { required: true, content: bodyOf(name, route) } } : {}),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: schemaOf(route.answer, 'output') } } },
      ...(mayBePending(route)
        ? {
            202: {
              description: 'Not answered within 5 s: ask later.',
              content: { 'application/json': { schema: schemaOf(route.answer, 'output') } },
            },
          }
        : {}),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function bodyOf(name: string, route: Route): Json {
  if (route.accepts === 'json') return { 'application/json': { schema: schemaOf(route.body, 'input') } };
  const schema = schemaOf(name === 'applyTarget' ? fileSchemas.target : fileSchemas.project, 'input');
  return { 'application/yaml': { schema }, 'application/json': { schema } };
}

function mayBePending({ answer, method }: Route): boolean {
  if (method !== 'POST' || !(answer instanceof z.ZodObject)) return false;
  const { state } = answer.shape as { state?: z.ZodType };
  return state?.safeParse('pending').success ?? false;
}

function parametersIn(where: 'path' | 'query', schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: of,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' }) as Json;
  return json;
}

/** The one route that answers no JSON. */
const events: Json = {
  operationId: 'events',
  summary: 'What happens, as it happens: server-sent events, resumed by Last-Event-ID',
  tags: ['events'],
  'x-permission': 'signed-in',
  parameters: [
    { name: 'project', in: 'query', required: false, schema: { type: 'string' } },
    { name: 'release', in: 'query', required: false, schema: { type: 'string', format: 'uuid' } },
    {
      name: 'Last-Event-ID',
      in: 'header',
      required: false,
      schema: { type: 'string' },
      description: 'The id of the last event that was seen.',
    },
  ],
  responses: {
    200: {
      description: 'One event of the journal each; `data` is JSON with id, source, subject, time, project, release and data.',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    default: { $ref: '#/components/responses/Problem' },
  },
};
