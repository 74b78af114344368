/**
 * Thrown by a handler for an event that is right but too early: what it is about has not been heard of yet. The event is parked and
 * handled again at growing intervals, and at once when another event of the same subject was handled.
 */
export class NotYet extends Error {
  override readonly name: string = 'NotYet';
}

/** Thrown by a handler for an event that can never be handled; it goes to the dead letters without further tries. */
export class Unhandleable extends Error {
  override readonly name: string = 'Unhandleable';
}
