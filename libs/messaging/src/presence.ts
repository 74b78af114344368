import { advisoryNumber, type Database } from '@slipway/postgres';

const lockOf = (name: string): string => `member ${name}`;

/**
 * Which members of a consumer group have a process that lives: each holds a session advisory lock of its name. Postgres frees it as soon as the process is
 * gone, where Kafka waits for the end of a session. No proof: who lost his session with Postgres looks gone for a moment, and comes back by himself.
 */
export class Presence {
  constructor(private readonly database: Database) {}

  /** Shows that this one lives, from now on until the session is lost; then it is to be shown again. */
  async show(name: string): Promise<void> {
    await this.database.locks.hold(lockOf(name));
  }

  /** Those of these names that nobody shows. */
  async gone(names: readonly string[]): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(
      // Let go of with the statement; and by another session than the one that shows, for each may take again what it has.
      'select name from unnest($1::text[], $2::bigint[]) as member (name, lock) where pg_try_advisory_xact_lock(lock)',
      [names, names.map((name) => advisoryNumber(this.database.schema, lockOf(name)))],
    );
    return rows.map(({ name }) => name);
  }
}
