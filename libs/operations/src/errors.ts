/** Somebody else has the operation now, or may have it: stop at once and change nothing. Never counted as a failed attempt. */
export class LostClaim extends Error {
  override readonly name = 'LostClaim';
  constructor(kind: string, key: string, epoch: number) {
    super(`${kind} ${key}: epoch ${epoch} no longer holds this operation`);
  }
}

/** Somebody else took the place that this claim acts on: look at everything anew, and act then. Never counted as a failed attempt. */
export class LostPlace extends Error {
  override readonly name = 'LostPlace';
  constructor(place: string) {
    super(`${place} was taken by another operation`);
  }
}

/**
 * Whether nothing of a call that threw this can be under way any more: it was answered, or never sent. Errors that know it say so in a property `isOver`, of
 * their own or of their cause; of all others it is not known.
 */
export function isOver(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'isOver' in error ? error.isOver === true : isOver(error.cause);
}

/** Abort reason: somebody cancelled the operation. `message` is the reason given. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** Abort reason: this process stops and hands its operations over; not counted as a failed attempt. */
export class ShuttingDown extends Error {
  override readonly name = 'ShuttingDown';
  constructor() {
    super('This process is stopping; another one goes on with the operation');
  }
}

/** Abort reason, and what `exhausted` is told: `closeAfter` has run out. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp';
}
