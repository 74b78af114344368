import type { Pruning } from '@slipway/messaging';
import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Reconciliation } from './reconciler.js';
import { tableSizes } from './table-sizes.js';

export interface PrunerOptions {
  readonly database: Database;
  readonly prunings: readonly Pruning[];
  readonly registry: Registry;
  readonly logger: Logger;
  /** Rows a transaction may look at. Default 1 000. */
  readonly atOnce?: number;
}

/** Transactions for each pruning in one pass; what is left then waits for the next one. */
const batches = 20;

/**
 * A finished operation goes after so many days (docs/adr/0011), which must be no fewer than the inbox keeps its rows: as long as an event
 * can come in, what it once owed is known. Unfinished ones never go.
 */
export function operationPrunings({ operationsDays }: { readonly operationsDays: number }): Pruning[] {
  return [
    {
      table: 'operation',
      some: async (database, limit) => {
        const rows = await database.query(
          `delete from operation where id in (
             select id from operation
              where finished_at < now() - make_interval(days => $2) and state in ('done', 'exhausted', 'cancelled')
              order by finished_at limit $1
           ) returning 1`,
          [limit, operationsDays],
        );
        return { gone: rows.length, more: rows.length === limit };
      },
    },
  ];
}

/** Deletes what nobody can need any more, a little at a time, and says how large the tables of the service are. */
export class Pruner implements Reconciliation {
  readonly name = 'retention';
  readonly everySeconds = 60;
  private readonly pruned: Counter<'table'>;

  constructor(private readonly options: PrunerOptions) {
    const { registry, database, prunings } = options;
    this.pruned = new Counter({
      name: 'slipway_rows_pruned_total',
      help: 'Rows this process deleted because nobody can need them any more',
      labelNames: ['table'],
      registers: [registry],
    });
    for (const { table } of prunings) this.pruned.inc({ table }, 0);
    tableSizes(registry, database);
  }

  /** One pass. A pruning that fails keeps no other from its turn. @throws what the first one that failed threw. */
  async run(signal: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const pruning of this.options.prunings) {
      await this.prune(pruning, signal).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  private async prune({ table, some }: Pruning, signal: AbortSignal): Promise<void> {
    const { database, logger, atOnce = 1_000 } = this.options;
    let gone = 0;
    for (let batch = 0; batch < batches; batch++) {
      signal.throwIfAborted();
      const pruned = await some(database, atOnce);
      this.pruned.inc({ table }, pruned.gone);
      gone += pruned.gone;
      if (!pruned.more) break;
    }
    if (gone > 0) logger.debug({ table, rows: gone }, 'pruned');
  }
}
