import type { Database } from '@slipway/postgres';

/**
 * Nothing is armed for longer than the longest call takes, of `ms`: what says so was written by a clock that was ahead, or by nobody of ours, and would hold
 * up what it names for as long without a word. From now on it has that long, for a call may be under way all the same. Returns what it was.
 */
export async function boundArmings(database: Database, ms: number): Promise<string[]> {
  const most = 'now() + make_interval(secs => $1::int / 1000.0)';
  const bounded = (table: 'operation' | 'place', name: string) =>
    database.query<{ name: string }>(`update ${table} set armed_until = ${most} where armed_until > ${most} returning ${name} as name`, [
      ms,
    ]);
  const rows = [...(await bounded('operation', "kind || ' ' || key")), ...(await bounded('place', 'name'))];
  return rows.map(({ name }) => name);
}
