import { createRequire } from 'node:module';
import type { Passing } from './passing.ts';
import { requestInHand } from './request-in-hand.ts';
import type { Types } from './watch-kafka.ts';

interface Result {
  readonly rows: Record<string, unknown>[];
}
type Callback = (error: unknown, result: unknown) => void;
type Query = (this: object, asked: unknown, values?: unknown, callback?: unknown) => unknown;

/** A transaction that is open on a connection, as far as its statements tell. */
interface Open {
  what: readonly string[];
  says: boolean;
}

const mostRemembered = 5_000;

/** Sees every statement, and so where a transaction of a handler, an operation or a request is committed. */
export function watchPostgres(passing: Passing, types: Types): void {
  const { Client } = createRequire(import.meta.url)('pg') as { Client: { prototype: { query: Query } } };
  const { query } = Client.prototype;
  const open = new WeakMap<object, Open>();
  const kinds = new Map<string, string>();
  Client.prototype.query = function (asked, values, callback) {
    const statement = readStatement(asked, values);
    if (statement === undefined) return query.call(this, asked, values, callback);
    const { text, params } = statement;
    if (/^(start transaction|begin)\b/i.test(text)) open.set(this, { what: [requestInHand() ?? []].flat(), says: false });
    const transaction = open.get(this);
    if (transaction) learn(transaction, text, params, types, kinds);
    if (/^(commit|rollback)\b/i.test(text)) open.delete(this);
    const committed = transaction && transaction.what.length > 0 && /^commit\b/i.test(text) ? transaction : undefined;
    for (const what of committed?.what ?? []) passing.pass(what, 'before commit');
    const claims = text.includes('returning o.id, o.kind');
    const arms = text.includes('update operation set armed_until = greatest');
    if (!committed && !claims && !arms) return query.call(this, asked, values, callback);
    const then = (result: unknown): void => {
      for (const what of committed?.what ?? []) passing.pass(what, committed?.says ? 'after commit, before publish' : 'after commit');
      if (arms && kinds.has(String(params[0]))) passing.pass(`run ${kinds.get(String(params[0]))}`, 'armed');
      if (committed || arms) return;
      for (const [kind, ids] of claimed(result as Result, kinds)) passing.pass(`run ${kind}`, 'claimed', ids);
    };
    return answered(query, this, [asked, values, callback], then);
  };
}

/** Asks, and calls `then` with the answer before anybody else hears of it. */
function answered(query: Query, client: object, given: unknown[], then: (result: unknown) => void): unknown {
  const at = given.findLastIndex((each) => typeof each === 'function');
  if (at >= 0) {
    const callback = given[at] as Callback;
    const wrapped: Callback = (error, result) => {
      if (!error) then(result);
      callback(error, result);
    };
    return query.apply(client, given.with(at, wrapped) as Parameters<Query>);
  }
  const answer = query.apply(client, given as Parameters<Query>);
  if (!(answer instanceof Promise)) return answer;
  return answer.then((result: unknown) => {
    then(result);
    return result;
  });
}

function readStatement(asked: unknown, values: unknown): { text: string; params: unknown[] } | undefined {
  if (typeof asked === 'string') return { text: asked, params: Array.isArray(values) ? values : [] };
  const { text, values: own } = (asked ?? {}) as { text?: unknown; values?: unknown };
  if (typeof text !== 'string') return undefined;
  return { text, params: Array.isArray(own) ? own : Array.isArray(values) ? values : [] };
}

/** What a transaction is about: the event it takes in, or several that came together, the operation whose lease it holds, or the request it is made for. */
function learn(transaction: Open, text: string, params: unknown[], types: Types, kinds: ReadonlyMap<string, string>): void {
  if (text.includes('insert into inbox')) {
    const ids = Array.isArray(params[1]) ? params[1] : [params[1]];
    transaction.what = [...new Set(ids.map((id) => `on ${types(String(id)) ?? 'an event'}`))];
  } else if (/from operation where id = \$1 and epoch = \$2|update operation set owner = null/.test(text))
    if (transaction.what.length === 0 && kinds.has(String(params[0]))) transaction.what = [`run ${kinds.get(String(params[0]))}`];
  if (text.includes('insert into outbox')) transaction.says = true;
}

/** Ids of what was claimed, by its kind. */
function claimed({ rows }: Result, kinds: Map<string, string>): ReadonlyMap<string, string[]> {
  for (const { id, kind } of rows) kinds.set(String(id), String(kind));
  while (kinds.size > mostRemembered) kinds.delete(kinds.keys().next().value as string);
  const of = Map.groupBy(rows, ({ kind }) => String(kind));
  return new Map([...of].map(([kind, all]) => [kind, all.map(({ id }) => String(id))]));
}
