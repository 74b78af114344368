import type { EventDefinition, Service } from '@slipway/contracts';
import type { Handler } from '@slipway/messaging';

/** A Nest provider that reacts to one event. */
// biome-ignore lint/suspicious/noExplicitAny: a class with any constructor; Nest fills it in
export type HandlerClass<E extends EventDefinition = EventDefinition> = new (...dependencies: any[]) => Handler<E>;

/** One line of a service's table of contents: this event goes to that handler. */
export interface Subscription {
  readonly event: EventDefinition;
  readonly handler: HandlerClass;
  /** It keeps a record of all it hears: it is also shown commands that service-kit carries out itself (about dead letters). */
  readonly record?: boolean;
}

/** What one service reacts to; read by boot, by the generated docs and by the flow test. */
export interface Subscriptions {
  readonly service: Service;
  readonly entries: readonly Subscription[];
}

/** Says that a handler reacts to an event; the handler's type must fit the event's data. */
export function on<E extends EventDefinition>(event: E, handler: HandlerClass<E>, how: { record?: boolean } = {}): Subscription {
  return { event, handler: handler as unknown as HandlerClass, ...how };
}

/** The subscription table of a service: `subscribe('approval', [on(VerificationPassed, OnVerificationPassed)])`. */
export function subscribe(service: Service, entries: readonly Subscription[]): Subscriptions {
  return { service, entries };
}

/**
 * What is wrong with a table, as sentences; empty when it is right. `catalog` holds every event there is.
 * A missing provider shows only when Nest has built the service: see `resolveHandlers`.
 */
export function faultsOf(table: Subscriptions, catalog: Iterable<EventDefinition>): string[] {
  const faults: string[] = [];
  const known = new Set(catalog);
  const seen = new Map<EventDefinition, HandlerClass>();
  for (const { event, handler } of table.entries) {
    if (!known.has(event))
      faults.push(`${table.service} subscribes to ${event.name}, which is not in the catalog of contracts: add it there or drop the line.`);
    const before = seen.get(event);
    if (before) faults.push(`${table.service} subscribes to ${event.name} twice, with ${before.name} and ${handler.name}: keep one.`);
    seen.set(event, handler);
  }
  for (const event of known) {
    if (event.actedOnBy.includes(table.service) && !seen.has(event)) {
      faults.push(`${event.name} must be acted on by ${table.service}, which does not subscribe to it: add on(…) to its subscriptions.ts.`);
    }
  }
  return faults;
}
