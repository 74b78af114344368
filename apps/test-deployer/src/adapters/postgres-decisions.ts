import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Decided } from '../domain/test-environment.js';
import { Decisions } from '../ports.js';

/** {@link Decisions} in this service's own tables. */
@Injectable()
export class PostgresDecisions extends Decisions {
  async open(tx: Tx, request: Parameters<Decisions['open']>[1]): Promise<void> {
    await this.keep(tx, request, false);
  }

  async close(tx: Tx, request: Parameters<Decisions['close']>[1]): Promise<void> {
    await this.keep(tx, request, true);
  }

  async of(tx: Tx, release: string): Promise<Decided> {
    const rows = await tx.query<{ environment: string; decided: boolean }>('select environment, decided from decision where release = $1', [
      release,
    ]);
    return new Map(rows.map(({ environment, decided }) => [environment, decided]));
  }

  async withdraw(tx: Tx, { id }: Release): Promise<void> {
    await tx.query('insert into withdrawn (release) values ($1) on conflict do nothing', [id]);
  }

  async isWithdrawn(tx: Tx, release: string): Promise<boolean> {
    return (await tx.query('select 1 from withdrawn where release = $1', [release])).length > 0;
  }

  /** What is said again of a request that was decided does not open it; an older request than the one known says nothing any more. */
  private async keep(tx: Tx, { request, release, environment }: Parameters<Decisions['open']>[1], decided: boolean): Promise<void> {
    await tx.query(
      `insert into decision (release, environment, request, decided) values ($1, $2, $3, $4)
       on conflict (release, environment) do update set request = excluded.request,
         decided = excluded.decided or (decision.decided and decision.request = excluded.request)
       where decision.request <= excluded.request`,
      [release.id, environment, request, decided],
    );
  }
}
