import { createParser } from 'eventsource-parser';
import type { z } from 'zod';
import { Problem, type Route } from './route.js';
import { type RouteName, routes } from './routes.js';

/** The gateway said no; `problem` says which field and what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(readonly problem: Problem) {
    super(
      [
        problem.title,
        problem.detail,
        ...(problem.errors ?? []).map((wrong) => `${wrong.field}${wrong.line ? ` (line ${wrong.line})` : ''}: ${wrong.message}`),
      ]
        .filter(Boolean)
        .join('\n'),
    );
  }
}

/** The gateway cannot be reached. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
}

type Optional<Key extends string, Value> = undefined extends Value
  ? { [K in Key]?: Value }
  : Record<never, never> extends Value
    ? { [K in Key]?: Value }
    : { [K in Key]: Value };
type InputOf<R> =
  R extends Route<infer P, infer Q, infer B, z.ZodType>
    ? Optional<'params', z.input<P>> & Optional<'query', z.input<Q>> & Optional<'body', z.input<B>>
    : never;
type AnswerOf<R> = R extends Route<z.ZodType, z.ZodType, z.ZodType, infer A> ? z.output<A> : never;
type Call<R> = (input: InputOf<R> & { yaml?: string; signal?: AbortSignal }) => Promise<AnswerOf<R>>;

/** An event of the live stream; `id` resumes it. */
export interface StreamedEvent {
  id: string;
  name: string;
  data: unknown;
}

export type ApiClient = { readonly [N in RouteName]: Call<(typeof routes)[N]> } & {
  /** Follows the live stream until the signal aborts; reconnects from the last id by itself. */
  readonly follow: (query: Record<string, string>, on: (event: StreamedEvent) => void, signal: AbortSignal) => Promise<void>;
};

/**
 * A typed client of the gateway: one method a route, plus `follow`.
 * Throws {@link ApiError} when the gateway refuses and {@link ApiUnreachable} when it does not answer within `timeoutMs`.
 */
export function apiClient({ url, token, timeoutMs = 15_000 }: { url: string; token?: string; timeoutMs?: number }): ApiClient {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const calls = Object.entries(routes).map(([name, route]) => [
    name,
    (input: CallInput) => send(url, route, authorization, timeoutMs, input),
  ]);
  return {
    ...Object.fromEntries(calls),
    follow: (query: Record<string, string>, on: (event: StreamedEvent) => void, signal: AbortSignal) =>
      follow(url, authorization, query, on, signal),
  };
}

interface CallInput {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  yaml?: string;
  signal?: AbortSignal;
}

async function send(
  url: string,
  route: Route,
  authorization: Record<string, string>,
  timeoutMs: number,
  input: CallInput,
): Promise<unknown> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input.params?.[name])));
  const target = new URL(path, url);
  for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) target.searchParams.set(key, String(value));
  const json = input.body === undefined ? undefined : JSON.stringify(input.body);
  const type = input.yaml === undefined ? (json === undefined ? undefined : 'application/json') : 'application/yaml';
  const limit = AbortSignal.timeout(timeoutMs);
  const response = await fetch(target, {
    method: route.method,
    headers: { accept: 'application/json', ...authorization, ...(type === undefined ? {} : { 'content-type': type }) },
    body: input.yaml ?? json,
    signal: input.signal ? AbortSignal.any([limit, input.signal]) : limit,
    redirect: 'error',
  }).catch((cause: unknown) => {
    throw new ApiUnreachable(`no answer from ${target.origin}: is the gateway running, and is the address right?`, { cause });
  });
  const text = await response.text();
  const said: unknown = text === '' ? undefined : parse(text);
  if (response.ok) return route.answer.parse(said);
  const problem = Problem.safeParse(said);
  throw new ApiError(
    problem.success
      ? problem.data
      : { type: 'about:blank', title: `the gateway answered ${response.status}`, status: response.status, detail: text.slice(0, 500) },
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function follow(
  url: string,
  authorization: Record<string, string>,
  query: Record<string, string>,
  on: (event: StreamedEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  const parser = createParser({
    onEvent: (event) => {
      last = event.id ?? last;
      on({ id: event.id ?? '', name: event.event ?? 'message', data: parse(event.data) });
    },
  });
  while (!signal.aborted) {
    const target = new URL('/api/v1/events', url);
    for (const [key, value] of Object.entries(query)) target.searchParams.set(key, value);
    try {
      const response = await fetch(target, {
        headers: { accept: 'text/event-stream', ...authorization, ...(last === undefined ? {} : { 'last-event-id': last }) },
        signal,
      });
      if (response.status === 401 || response.status === 403 || response.status === 400) {
        throw new ApiError({ type: 'about:blank', title: `the gateway answered ${response.status}`, status: response.status });
      }
      if (response.ok && response.body) for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) parser.feed(chunk);
    } catch (error) {
      if (error instanceof ApiError) throw error;
    }
    parser.reset();
    await pause(1000, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
