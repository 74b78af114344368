/** A value as a jsonb parameter; nothing is the database's null, not JSON's. */
export function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
