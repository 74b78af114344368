import { type RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import type { Link } from '../domain/change.js';
import { sealedTables } from '../sealed-tables.js';

type LinkRow = Link & {
  readonly id: string;
  readonly project: string;
  readonly range_from: string | null;
  readonly merged_seal: string | null;
};

/** How the releases of a project hang on each other, read without what makes their rows long. */
export class ReleaseLinks {
  constructor(private readonly seals: RowSeals) {}

  /** @throws RowNotBelieved */
  async upTo(tx: Tx, project: string, number: number): Promise<readonly Link[]> {
    const rows = await tx.query<LinkRow>(
      `select ${sealedColumns(sealedTables, 'release link')}, merged, merged_seal from release where project = $1 and number <= $2`,
      [project, number],
    );
    return rows.map((row) => ({ ...this.seals.believed('release link', row), from: row.range_from, merged: this.mergedOf(row) }));
  }

  /** Those of before have no seal for it, and nothing in it. */
  private mergedOf(row: LinkRow): Link['merged'] {
    if (row.merged_seal === null && row.merged?.length === 0) return null;
    return this.seals.believed('release merges', { ...row, seal: row.merged_seal }).merged;
  }
}
