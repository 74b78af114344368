/** The row of an operation as claims.ts and active-claim.ts change it, in ticks of the database's clock; operation-row.int.spec.ts holds it to the real ones. */
export interface Row {
  readonly state: 'ready' | 'running' | 'done';
  readonly epoch: number;
  /** Ticks until it is due: until a lease is over, or until it is to be looked at again. Due at 0. */
  readonly dueIn: number;
}

export const owed: Row = { state: 'ready', epoch: 0, dueIn: 0 };

/** `claimDue`: a new epoch, and whether it was taken from somebody; undefined where it is not due or done. */
export function claimed(row: Row, lease: number): { row: Row; takeover: boolean } | undefined {
  if (row.state === 'done' || row.dueIn > 0) return undefined;
  return { row: { state: 'running', epoch: row.epoch + 1, dueIn: lease }, takeover: row.state === 'running' };
}

/** `renew`: undefined where it is no longer this claim's. */
export function renewed(row: Row, epoch: number, lease: number): Row | undefined {
  return isHeld(row, epoch) ? { ...row, dueIn: lease } : undefined;
}

/** Whether a transaction of this claim commits. */
export function isHeld(row: Row, epoch: number): boolean {
  return row.state === 'running' && row.epoch === epoch;
}

/** `settle`, and `complete`: undefined where it is no longer this claim's. */
export function settled(row: Row, epoch: number, to: 'done' | 'ready'): Row | undefined {
  return isHeld(row, epoch) ? { state: to, epoch, dueIn: 0 } : undefined;
}

export function ticked(row: Row): Row {
  return { ...row, dueIn: Math.max(0, row.dueIn - 1) };
}
