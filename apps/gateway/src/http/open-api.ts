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
      responses: Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          `Problem${status}`,
          { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
        ]),
      ),
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
      ...problemsOf(problemStatuses(route)),
    },
  };
}

/** Every status but success that the gateway answers with, and what it means. None but these comes: an operation names those it has. */
const problems = {
  400: 'Not well formed: each wrong field is named.',
  401: 'No token, or none that is good; or a code that is not.',
  403: 'Your roles do not allow it.',
  404: 'There is no such thing, or it is not yours to see.',
  409: 'Refused, by the service that owns it or by a rule; code and detail say why.',
  413: 'The body is too large.',
  415: 'The body is of a type that is not taken here.',
  422: 'The file says something that cannot be: each field is named, with its line.',
  429: 'Too much at once, or too many failures; Retry-After says when to come again.',
  500: 'Something broke here; the log says what, under the id of the request.',
  503: 'A part is away, or this replica is starting or stopping; come again.',
} as const;

function problemStatuses({ method, permission, params, accepts }: Route): (keyof typeof problems)[] {
  const open = permission === 'anyone' || permission === 'signed-in';
  const named = Object.keys((schemaOf(params, 'input')['properties'] as object | undefined) ?? {}).length > 0;
  return [
    ...([400, 401] as const),
    ...(open ? [] : ([403] as const)),
    ...(named || !open ? ([404] as const) : []),
    ...(method === 'GET' ? [] : ([409, 413, 415] as const)),
    ...(accepts === 'json-or-yaml' ? ([422] as const) : []),
    ...([429, 500, 503] as const),
  ];
}

function problemsOf(statuses: readonly (keyof typeof problems)[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));
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
    ...problemsOf([400, 401, 404, 429, 500, 503]),
  },
};
