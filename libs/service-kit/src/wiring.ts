import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CommandIssued, type EventDefinition } from '@slipway/contracts';
import { type Handler, type InHand, Messaging, type Received, type UnitOfWork } from '@slipway/messaging';
import type { Reconciliation, Work } from '@slipway/operations';
import { mindingDeadLetters, RunDeadLetter } from './dead-letter-commands.js';
import type { ServiceDefinition } from './service.module.js';
import { faultsOf } from './subscriptions.js';
import { correlate } from './tracing.js';

/** The service's own tables do not fit together; the message lists every fault. A bug of the service, found at start. */
export class WiringError extends Error {
  override readonly name = 'WiringError';
  constructor(service: string, faults: readonly string[]) {
    super(`${service} is wired wrongly:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/** Throws WiringError for what can be seen before anything is built. */
export function checkDefinition(definition: ServiceDefinition, catalog: Iterable<EventDefinition>): void {
  const table = definition.subscriptions ?? { service: definition.name, entries: [] };
  const faults = faultsOf(table, catalog);
  if (table.service !== definition.name) faults.unshift(`its subscription table is that of ${table.service}.`);
  const lists: (readonly Type[])[] = [definition.works ?? [], definition.reconcilers ?? []];
  for (const list of lists) {
    const twice = list.filter((one, at) => list.indexOf(one) !== at);
    faults.push(...twice.map((one) => `${one.name} is listed twice: keep one.`));
  }
  if (faults.length > 0) throw new WiringError(definition.name, faults);
}

/** What Nest built of a service's tables. */
export interface Wired {
  /** By event, each running in the trace of its event. */
  readonly handlers: ReadonlyMap<EventDefinition, Handler>;
  readonly works: readonly Work[];
  readonly reconciliations: readonly Reconciliation[];
}

/** Finds the providers that a service's tables name. Throws WiringError naming every one that is missing. */
export function wire(app: NestFastifyApplication, definition: ServiceDefinition): Wired {
  const { subscriptions, works = [], reconcilers = [] } = definition;
  const entries = subscriptions?.entries ?? [];
  resolve<unknown>(app, definition, [...entries.map((entry) => entry.handler), ...works, ...reconcilers]);
  const handlers = resolve<Handler>(
    app,
    definition,
    entries.map((entry) => entry.handler),
  );
  // One for each handler: events of several kinds that share it may be handled together.
  const traced = new Map(handlers.map((handler) => [handler, tracing(handler)]));
  return {
    handlers: new Map(
      entries.map(({ event, record }, at) => {
        const handler = handlers[at] as Handler;
        if (event === CommandIssued) return [event, tracing(mindingDeadLetters(definition.name, handler, record ?? false))];
        return [event, traced.get(handler) as Handler];
      }),
    ),
    works: [...resolve<Work>(app, definition, works), new RunDeadLetter(app.get(Messaging))],
    reconciliations: resolve<Reconciliation>(app, definition, reconcilers),
  };
}

/** The instances Nest built of these classes, in their order. Throws WiringError naming every missing provider. */
function resolve<T>(app: NestFastifyApplication, definition: ServiceDefinition, classes: readonly Type<T>[]): T[] {
  const missing: string[] = [];
  const found = classes.flatMap((type) => {
    try {
      return [app.get<T>(type, { strict: false })];
    } catch {
      missing.push(`${type.name} is no provider: add it to the providers of the ${definition.name} module.`);
      return [];
    }
  });
  if (missing.length > 0) throw new WiringError(definition.name, [...new Set(missing)]);
  return found;
}

/** Runs a handler in the trace of its event; of several events that are handled together, in that of the first. */
function tracing(handler: Handler): Handler {
  const handleAll = handler.handleAll?.bind(handler);
  return {
    handle: (event: Received, unit: UnitOfWork) => correlate(traceOf(event), () => handler.handle(event, unit)),
    ...(handleAll && { handleAll: (all: readonly InHand[]) => correlate(all[0] ? traceOf(all[0].event) : {}, () => handleAll(all)) }),
  };
}

function traceOf({ id, traceparent, correlationId }: Received) {
  return { traceparent, correlationId, causationId: id };
}
