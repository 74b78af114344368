/** What of the operations of a service is sealed, for the list of its sealed tables. Their inputs name rows, and it is these that decide. */
export const sealedOperations = {
  'progress of an operation': { table: 'operation', seal: 'progress_seal', key: ['id'], decides: ['kind', 'key', 'progress'] },
} as const;

/** Seals and their check; `RowSeals` of identity are such. */
export interface Seals {
  of(table: string, row: object): string;
  /** Those that carry their seal. */
  those<R extends object>(table: string, rows: readonly R[]): R[];
}

interface Kept {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly progress: unknown;
  readonly progress_seal: string | null;
}

const name = 'progress of an operation';

/** How far an operation is, as its last worker left it; null where somebody else wrote that: whoever has the operation then begins by looking. */
export function believedProgress(seals: Seals | undefined, row: Kept): unknown {
  if (row.progress === null || !seals) return row.progress;
  return seals.those(name, [{ ...row, seal: row.progress_seal }])[0]?.progress ?? null;
}

export function progressSeal(seals: Seals | undefined, row: Omit<Kept, 'progress_seal'>): string | null {
  return seals?.of(name, row) ?? null;
}
