import { type AnyEvent, catalog, type DataOf } from '@slipway/contracts';

/** What a fold reads of an event. Messaging's `Received` has all of it; `data` is parsed by the event's own schema. */
export type Told<E extends AnyEvent = AnyEvent> = E extends AnyEvent
  ? {
      readonly id: string;
      readonly name: E['name'];
      readonly source: string;
      readonly subject: string;
      /** RFC 3339 UTC, by the clock of whoever said it. */
      readonly time: string;
      /** Counts up per source and subject; absent on events from outside. */
      readonly sequence?: number | undefined;
      readonly causationId?: string | undefined;
      readonly data: DataOf<E>;
    }
  : never;

/** An event as messaging, or the journal, hands it over: parsed already, but its name not known to the compiler. */
export type Handed = Omit<Told, 'name' | 'data'> & { readonly name: string; readonly data: unknown };

/** The event for a fold, or undefined where the catalogue does not know it. Its data must have been parsed by the event's schema. */
export function asTold(event: Handed): Told | undefined {
  return catalog.has(event.name) ? (event as unknown as Told) : undefined;
}

/**
 * The events in the order they must have happened, each once: what caused comes before what it caused, a writer's own numbers hold, and only
 * what neither orders goes by time and id. The clocks of two machines may differ, causes can't; so any order in gives one order out.
 */
export function inOrder<T extends Placed>(events: Iterable<T>): T[] {
  const byId = new Map<string, T>();
  for (const event of events) if (!byId.has(event.id)) byId.set(event.id, event);
  const waiting = [...byId.values()].sort(byTime);
  const after = predecessors(waiting, byId);
  const ordered: T[] = [];
  const placed = new Set<string>();
  const visit = (first: T): void => {
    // Depth first by hand: a chain of thousands of events must not end the stack.
    const path = [first];
    const begun = new Set<string>();
    for (let event = path.at(-1); event !== undefined; event = path.at(-1)) {
      const open = (after.get(event.id) ?? []).find((before) => !placed.has(before.id) && !begun.has(before.id));
      begun.add(event.id);
      if (open) {
        path.push(open);
        continue;
      }
      path.pop();
      if (!placed.has(event.id)) ordered.push(event);
      placed.add(event.id);
    }
  };
  for (const event of waiting) if (!placed.has(event.id)) visit(event);
  return ordered;
}

/** What the order of an event is told by. */
export type Placed = Pick<Told, 'id' | 'source' | 'subject' | 'time' | 'sequence' | 'causationId'>;

/**
 * Whether an event comes after all of these in whatever order {@link inOrder} gives them: it is the newest, caused none of them, and none was
 * numbered after it by its writer. Then the order of all is theirs and the event at its end, so that a fold may go on from where it stood. Of many
 * events it is enough to ask the newest, those it caused, and the highest its writer numbered.
 */
export function comesAfter(event: Placed, others: Iterable<Placed>): boolean {
  for (const other of others) {
    const sameLine = other.source === event.source && other.subject === event.subject;
    if (byTime(other, event) > 0 || other.causationId === event.id) return false;
    if (sameLine && (other.sequence ?? -1) > (event.sequence ?? Number.POSITIVE_INFINITY)) return false;
  }
  return true;
}

/** What must stand before each event: its cause, and the one its writer numbered before it. */
function predecessors<T extends Placed>(events: readonly T[], byId: ReadonlyMap<string, T>): Map<string, T[]> {
  const after = new Map<string, T[]>(events.map((event) => [event.id, []]));
  const lines = new Map<string, T[]>();
  for (const event of events) {
    const cause = event.causationId === undefined ? undefined : byId.get(event.causationId);
    if (cause && cause !== event) after.get(event.id)?.push(cause);
    if (event.sequence === undefined) continue;
    const line = JSON.stringify([event.source, event.subject]);
    const numbered = lines.get(line);
    if (numbered) numbered.push(event);
    else lines.set(line, [event]);
  }
  for (const line of lines.values()) {
    line.sort((one, other) => (one.sequence ?? 0) - (other.sequence ?? 0));
    for (const [index, event] of line.entries()) {
      const before = line[index - 1];
      if (before) after.get(event.id)?.push(before);
    }
  }
  return after;
}

function byTime(one: { time: string; id: string }, other: { time: string; id: string }): number {
  return Date.parse(one.time) - Date.parse(other.time) || (one.id < other.id ? -1 : 1);
}
