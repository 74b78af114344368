import { advisoryNumber } from './names.js';
import type { ReservedConnection } from './reserved-connection.js';

/** A session advisory lock that is held until `release` or until the session is lost, whichever comes first. */
export interface HeldLock {
  readonly key: string;
  /** Aborted as soon as the lock is known to be lost or has been released. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/**
 * Session advisory locks of one process: one replica at a time does a thing, and another takes over when it dies, because Postgres frees
 * the lock with the session. A lock is no fence: its loss is noticed late under a pause, so what it guards must be harmless when done twice.
 * All locks of a process share its reserved connection; losing that loses them all.
 */
export class AdvisoryLock {
  private readonly held = new Map<string, () => void>();

  constructor(
    private readonly connection: ReservedConnection,
    private readonly schema: string,
  ) {
    connection.onLost((error) => {
      for (const lose of [...this.held.values()]) lose();
      void error;
    });
  }

  /**
   * Takes the lock if nobody has it, else returns undefined at once; ask again later. Throws when Postgres can't be reached.
   * `onLost` is called when the session ended under it, not after `release`.
   */
  async hold(key: string, onLost?: () => void): Promise<HeldLock | undefined> {
    if (this.held.has(key)) return undefined; // the session would be given its own lock a second time
    const abort = new AbortController();
    const lose = () => {
      this.held.delete(key);
      abort.abort(new Error(`The advisory lock ${key} was lost with its session`));
      onLost?.();
    };
    this.held.set(key, lose);
    try {
      const number = advisoryNumber(this.schema, key);
      const [row] = await this.connection.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [number]);
      if (row?.taken && !abort.signal.aborted) return { key, signal: abort.signal, release: () => this.release(key, number, abort) };
    } catch (error) {
      this.held.delete(key);
      throw error;
    }
    this.held.delete(key);
    return undefined;
  }

  /** Those of these locks that nobody holds at the moment. Throws when Postgres can't be reached. */
  async free(keys: readonly string[]): Promise<string[]> {
    const others = keys.filter((key) => !this.held.has(key)); // a session may always take again what it has
    if (others.length === 0) return [];
    const rows = await this.connection.query<{ key: string }>(
      // Let go of with the statement.
      'select key from unnest($1::text[], $2::bigint[]) as asked (key, number) where pg_try_advisory_xact_lock(number)',
      [others, others.map((key) => advisoryNumber(this.schema, key))],
    );
    return rows.map(({ key }) => key);
  }

  private async release(key: string, number: string, abort: AbortController): Promise<void> {
    if (abort.signal.aborted) return;
    abort.abort(new Error(`The advisory lock ${key} was released`));
    try {
      await this.connection.query('select pg_advisory_unlock($1)', [number]);
    } catch {
      // without a session there is no lock
    } finally {
      this.held.delete(key);
    }
  }
}
