import type { EventDefinition } from '@slipway/contracts';
import type { Facts, SaidOf } from './facts.ts';
import type { Row } from './history.ts';

const events = new WeakMap<Facts, Map<string, ReadonlyMap<string, readonly SaidOf<EventDefinition>[]>>>();
const rows = new WeakMap<Facts, Map<string, ReadonlyMap<string, readonly Row[]>>>();

/** Events of a kind by the release they are about, in order of time. */
export function byRelease<E extends EventDefinition>(facts: Facts, event: E): ReadonlyMap<string, readonly SaidOf<E>[]> {
  const known = events.get(facts) ?? new Map();
  events.set(facts, known);
  const found =
    known.get(event.name) ?? Map.groupBy(facts.named(event), (said) => (said.data as { release?: { id?: string } }).release?.id ?? '');
  known.set(event.name, found);
  return found;
}

/** Rows of a table by what stands in one of their columns. */
export function rowsBy(facts: Facts, service: string, table: string, column: string): ReadonlyMap<string, readonly Row[]> {
  const known = rows.get(facts) ?? new Map();
  rows.set(facts, known);
  const key = `${service}.${table}.${column}`;
  const found = known.get(key) ?? Map.groupBy(facts.rows(service, table), (row) => String(row[column]));
  known.set(key, found);
  return found;
}
