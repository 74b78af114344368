import type { CommandKind, Permission } from '@slipway/contracts';
import { z } from 'zod';

/** What a caller must be allowed to do; `anyone` is only for the few routes that carry a proof of their own. */
export type RoutePermission = Permission | 'anyone' | 'signed-in';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One call of the gateway: path with `{names}`, what goes in, what comes out, and who may. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly permission: RoutePermission;
  /** The command this route issues, where it issues one; what it takes is then the route's permission. */
  readonly command: CommandKind | null;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** What the body may be besides JSON. */
  readonly accepts: 'json' | 'json-or-yaml';
}

const nothing = z.strictObject({});

/** Declares a route; parts that are not given take nothing. */
export function defineRoute<
  Answer extends z.ZodType,
  Params extends z.ZodType = typeof nothing,
  Query extends z.ZodType = typeof nothing,
  Body extends z.ZodType = z.ZodUndefined,
>(route: {
  method: Method;
  path: `/api/v1/${string}`;
  summary: string;
  permission: RoutePermission;
  params?: Params;
  query?: Query;
  body?: Body;
  answer: Answer;
  accepts?: 'json' | 'json-or-yaml';
}): Route<Params, Query, Body, Answer> {
  return {
    ...route,
    command: null,
    params: (route.params ?? nothing) as Params,
    query: (route.query ?? nothing) as Query,
    body: (route.body ?? z.undefined()) as Body,
    accepts: route.accepts ?? 'json',
  };
}

/** A page of a list: ask again with `cursor` until it is null. */
export const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), cursor: z.string().nullable() });

/** The largest whole number that Postgres keeps in four bytes: what is larger is refused at the door, by its field. */
export const largestInt = 2_147_483_647;

export const PageQuery = { cursor: z.string().max(500).optional(), limit: z.coerce.number().int().min(1).max(200).default(50) };

/** RFC 9457 problem details; `errors` names each field that is wrong, with its line where the body was a file. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  code: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string(), line: z.int().optional(), column: z.int().optional() })).optional(),
});
export type Problem = z.infer<typeof Problem>;
