import { createHash } from 'node:crypto';
import type { QueryConfig } from 'pg';

/** A statement that Postgres parses and plans once a connection: for those of the way every event goes. */
export interface Prepared {
  /** Made from the text, so that two of them never share a name: https://node-postgres.com/features/queries#prepared-statements */
  readonly name: string;
  readonly text: string;
}

/** Make it once, beside its text; every connection that meets it keeps a plan, so the text must not vary. */
export function prepared(text: string): Prepared {
  return { name: createHash('sha256').update(text).digest('base64url').slice(0, 22), text };
}

/** What pg is asked. */
export function asked(sql: string | Prepared, values: unknown[] | undefined): QueryConfig {
  return typeof sql === 'string' ? { text: sql, values } : { ...sql, values };
}
