import type { RowSeals } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import type { Standing } from '../ports.js';

/** What is barred from an environment, as its row has it. */
export type BarsRow = Pick<Standing, 'project' | 'environment' | 'barred'> & { readonly barred_seal: string | null };
type Place = Pick<Standing, 'project' | 'environment'>;

/** The bars of an environment: in the row of what stands there, under a seal of their own. Where nothing was ever barred there is none. */
export class StandingBars {
  constructor(private readonly seals: RowSeals) {}

  /** @throws RowNotBelieved */
  of(row: BarsRow): readonly number[] {
    return row.barred.length === 0 ? [] : this.seals.believed('standing bars', { ...row, seal: row.barred_seal }).barred;
  }

  /** Takes away what somebody else barred, as what they say runs is written over: it may stand in the way of nothing that is true. */
  async mend(tx: Tx, row: BarsRow): Promise<void> {
    if (row.barred.length !== this.believedOf(row).length) await this.save(tx, row, []);
  }

  /** A rollback is rare: what is barred is read before it is written, as its seal must be. There is a row. */
  async change(tx: Tx, place: Place, change: (before: readonly number[]) => readonly number[]): Promise<void> {
    const [row] = await tx.query<BarsRow>(
      'select project, environment, barred, barred_seal from standing where project = $1 and environment = $2 for update',
      [place.project, place.environment],
    );
    await this.save(tx, place, change(row ? this.believedOf(row) : []));
  }

  private async save(tx: Tx, { project, environment }: Place, barred: readonly number[]): Promise<void> {
    await tx.query('update standing set barred = $3, barred_seal = $4 where project = $1 and environment = $2', [
      project,
      environment,
      barred,
      this.seals.of('standing bars', { project, environment, barred }),
    ]);
  }

  private believedOf(row: BarsRow): readonly number[] {
    return this.seals.those('standing bars', row.barred.length === 0 ? [] : [{ ...row, seal: row.barred_seal }])[0]?.barred ?? [];
  }
}
