/** The row of an operation as claims.ts and active-claim.ts change it, in ticks of the database's clock; operation-row.int.spec.ts holds it to the real ones. */
export interface Row {
  readonly state: 'ready' | 'running' | 'done';
  readonly epoch: number;
  /** Ticks until it is due: until a lease is over, or until it is to be looked at again. Due at 0. */
  readonly dueIn: number;
  /** Ticks until nothing that it was armed for can still be on its way. Not armed at 0. */
  readonly armedIn: number;
  /** Counts its armings, and so names the last. */
  readonly arming: number;
}

export const owed: Row = { state: 'ready', epoch: 0, dueIn: 0, armedIn: 0, arming: 0 };

/** `claimDue`: a new epoch; undefined where it is not due, armed or done. */
export function claimed(row: Row, lease: number): Row | undefined {
  if (row.state === 'done' || row.dueIn > 0 || row.armedIn > 0) return undefined;
  return { ...row, state: 'running', epoch: row.epoch + 1, dueIn: lease };
}

/** `renew`: undefined where it is no longer this claim's. */
export function renewed(row: Row, epoch: number, lease: number, answered = 0): Row | undefined {
  return isHeld(row, epoch) ? { ...disarmed(row, epoch, answered), dueIn: lease } : undefined;
}

/** `arm`: undefined where it is no longer this claim's. */
export function armed(row: Row, epoch: number, ticks: number): Row | undefined {
  return isHeld(row, epoch) ? { ...row, armedIn: Math.max(row.armedIn, ticks), arming: row.arming + 1 } : undefined;
}

/** What `note`, `renew` and `settle` disarm: what its calls were answered for, by its name. */
export function disarmed(row: Row, epoch: number, answered: number): Row {
  return isHeld(row, epoch) && row.arming === answered ? { ...row, armedIn: 0 } : row;
}

/** Whether a transaction of this claim commits. */
export function isHeld(row: Row, epoch: number): boolean {
  return row.state === 'running' && row.epoch === epoch;
}

/** `settle`, and `complete`: undefined where it is no longer this claim's. */
export function settled(row: Row, epoch: number, to: 'done' | 'ready', answered = 0): Row | undefined {
  return isHeld(row, epoch) ? { ...disarmed(row, epoch, answered), state: to, dueIn: 0 } : undefined;
}

export function ticked(row: Row): Row {
  return { ...row, dueIn: Math.max(0, row.dueIn - 1), armedIn: Math.max(0, row.armedIn - 1) };
}
