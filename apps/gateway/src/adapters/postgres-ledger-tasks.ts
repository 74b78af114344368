import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '@slipway/postgres';
import { type LedgerProgress, type LedgerTask, LedgerTasks } from '../ports.js';

/** {@link LedgerTasks} as operations of the kind `ledger`. */
@Injectable()
export class PostgresLedgerTasks extends LedgerTasks {
  constructor(private readonly database: Database) {
    super();
  }

  async newest(): Promise<LedgerTask | undefined> {
    const [row] = await this.database.query<LedgerTask>(
      `select input ->> 'task' as task, key as command, progress, last_error as error, created_at as "askedAt", finished_at as "finishedAt",
         case when state in ('exhausted', 'cancelled') or progress ->> 'failure' is not null then 'failed'
              when state = 'done' then 'done' when epoch = 0 then 'waiting' else 'running' end as state
       from operation where kind = 'ledger' order by id desc limit 1`,
    );
    return row;
  }

  async anotherBefore(id: string): Promise<boolean> {
    const rows = await this.database.query(
      "select 1 from operation where kind = 'ledger' and state in ('ready', 'running') and id < $1 limit 1",
      [id],
    );
    return rows.length > 0;
  }

  async save(tx: Tx, id: string, progress: LedgerProgress): Promise<void> {
    await tx.query('update operation set progress = $2 where id = $1', [id, JSON.stringify(progress)]);
  }
}
