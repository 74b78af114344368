import type { Database } from '@slipway/postgres';

const prefix = 'member ';

/**
 * Which members of a consumer group have a process that lives: each holds a session advisory lock of its name. Postgres frees it as soon as the process is
 * gone, where Kafka waits for the end of a session. No proof: who lost his session with Postgres looks gone for a moment, and comes back by himself.
 */
export class Presence {
  constructor(private readonly database: Database) {}

  /** Shows that this one lives, from now on until the session is lost; then it is to be shown again. */
  async show(name: string): Promise<void> {
    await this.database.locks.hold(prefix + name);
  }

  /** Those of these names that nobody shows. */
  async gone(names: readonly string[]): Promise<string[]> {
    const free = await this.database.locks.free(names.map((name) => prefix + name));
    return free.map((lock) => lock.slice(prefix.length));
  }
}
