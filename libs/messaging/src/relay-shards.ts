import { advisoryNumber, type Database } from '@slipway/postgres';

/**
 * Which shards of the outbox this process relays: those whose session advisory lock it holds on the database's reserved connection. When
 * that session ends Postgres frees the locks and another replica takes over at its next look. Both may publish for a moment: each event's
 * first appearance is still in order, and the rest are duplicates.
 */
export class RelayShards {
  private held = new Set<number>();
  private readonly numbers: string[];
  private readonly forget: () => void;
  private asked = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: Database,
    shards: number,
    private readonly askEveryMs: number,
  ) {
    this.numbers = Array.from({ length: shards }, (_, shard) => advisoryNumber(database.schema, `outbox/${shard} of ${shards}`));
    this.forget = database.reserved.onLost(() => {
      this.held = new Set();
      this.asked = Number.NEGATIVE_INFINITY;
    });
  }

  owned(): number[] {
    return [...this.held];
  }

  owns(shard: number): boolean {
    return this.held.has(shard);
  }

  /** Takes what nobody has, in one statement, at most once per interval. Throws when the database is away. */
  async acquire(): Promise<void> {
    if (this.held.size === this.numbers.length || performance.now() - this.asked < this.askEveryMs * 0.9) return;
    const asked = performance.now();
    const free = this.numbers.map((_, shard) => shard).filter((shard) => !this.held.has(shard));
    const held = this.held;
    const taken = await this.database.reserved.query<{ shard: number }>(
      'select shard from unnest($1::int[], $2::bigint[]) as wanted (shard, lock) where pg_try_advisory_lock(lock)',
      [free, free.map((shard) => this.numbers[shard])],
    );
    this.asked = asked;
    if (this.held !== held) return; // the session was lost meanwhile, and what it gave us with it
    for (const { shard } of taken) this.held.add(shard);
  }

  /** Lets others take over at once. */
  async release(): Promise<void> {
    this.forget();
    const mine = [...this.held];
    this.held = new Set();
    if (mine.length === 0) return;
    await this.database.reserved
      .query('select pg_advisory_unlock(lock) from unnest($1::bigint[]) as mine (lock)', [mine.map((shard) => this.numbers[shard])])
      .catch(() => undefined);
  }
}
