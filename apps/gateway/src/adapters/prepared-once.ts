import { type Prepared, prepared } from '@slipway/postgres';

const statements = new Map<string, Prepared>();

/** A statement that is prepared though its text is put together where it is used; there must only be so many texts. */
export function once(text: string): Prepared {
  const statement = statements.get(text) ?? prepared(text);
  statements.set(text, statement);
  return statement;
}
