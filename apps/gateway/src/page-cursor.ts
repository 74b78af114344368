import { ApiProblem } from './api-problem.js';
import type { After } from './ports.js';

/** Where the next page begins, as callers carry it: opaque to them, plainly checked by us. */
export function cursorOf({ at, id }: After): string {
  return Buffer.from(JSON.stringify([at, id]), 'utf8').toString('base64url');
}

/** Reads a cursor. Throws a 400 problem for one that is not ours. */
export function afterOf(cursor: string | undefined): After | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [unknown, unknown];
    if (
      typeof at === 'string' &&
      typeof id === 'string' &&
      /^[0-9a-f-]{36}$/.test(id) &&
      /^\d{4}-/.test(at) &&
      !Number.isNaN(Date.parse(at)) &&
      at.length < 40
    ) {
      return { at: new Date(at).toISOString(), id };
    }
  } catch {
    // said below
  }
  throw new ApiProblem(400, 'The cursor is not one this gateway gave out.', {
    errors: [{ field: 'cursor', message: 'take it from the page before, or leave it out' }],
  });
}

/** A page of at most `limit` items, fetched with one more to see whether there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  place: (row: Row) => After,
  items: readonly Item[],
): { items: Item[]; cursor: string | null } {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { items: items.slice(0, limit), cursor: last === undefined ? null : cursorOf(place(last)) };
}
