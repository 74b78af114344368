import { services } from '@slipway/contracts';
import { factsOf } from './facts.ts';
import { watches } from './left-to-do.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** How long after the last fault there may still be something to do. */
const drainMs = 60_000;
/** Reasons for which an event of ours is laid aside; what nobody of ours wrote is laid aside by right. */
const ours = ['handler-failed', 'given-up', 'bad-data', 'same-id-other-data'];

/** 6. Drained: once faults have ended, nothing is left to be said, answered, read or worked on, no lease is held by the dead, and no event of ours was laid aside. */
export const drained: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const { until, faultsEnded } = history.about;
  const now = Date.parse(until);
  const left = (service: string, what: string, rows: readonly unknown[], examples: readonly string[]) => {
    if (rows.length > 0) findings.breach(null, `${service}: ${rows.length} ${what}`, examples.slice(0, 5));
  };
  for (const service of services) {
    if (!facts.has(service, 'outbox')) {
      findings.cannot(`the tables of ${service} were not read`);
      continue;
    }
    const [outbox, handoffs, operations] = [
      facts.rows(service, 'outbox'),
      facts.rows(service, 'handoff'),
      facts.rows(service, 'operation'),
    ];
    findings.count('events said', outbox.length);
    findings.count('operations', operations.length);
    const unsaid = outbox.filter(({ published_at: at }) => at === null);
    left(
      service,
      'events were never said',
      unsaid,
      unsaid.map(({ event_id: id }) => `event ${String(id)}`),
    );
    left(
      service,
      'events are answered by nobody',
      handoffs,
      handoffs.map(({ event_id: id, service: by }) => `event ${String(id)} by ${String(by)}`),
    );
    const words = ({ kind, key, state, last_error: error }: (typeof operations)[number]) =>
      `${String(kind)} ${String(key)} is ${String(state)}${error ? `: ${String(error)}` : ''}`;
    const given = operations.filter(({ state }) => state === 'exhausted');
    left(service, 'operations were given up', given, given.map(words));
    const due = ({ due_at: at }: (typeof operations)[number]) => Date.parse(String(at));
    const held = operations.filter((each) => each['state'] === 'running' && due(each) < now);
    left(service, 'leases ran out and nobody took over', held, held.map(words));
    const open = operations.filter(
      (each) =>
        each['state'] !== undefined &&
        ['ready', 'running'].includes(String(each['state'])) &&
        !watches.includes(String(each['kind'])) &&
        due(each) < now + drainMs,
    );
    left(service, 'operations are in work', open, open.map(words));
    const aside = facts
      .rows(service, 'dead_letter')
      .filter(({ reason, source, resolved_at: at }) => at === null && ours.includes(String(reason)) && services.includes(source as never));
    left(
      service,
      'events of ours were laid aside',
      aside,
      aside.map(({ event_id: id, reason, detail }) => `event ${String(id)}: ${String(reason)} ${String(detail).slice(0, 200)}`),
    );
  }
  for (const { service, topic, partition, committed, end } of history.places) {
    findings.count('places in partitions');
    const behind = end - Math.max(0, committed);
    // What a service does not listen to has no place, and nothing was ever committed there.
    if (committed >= 0 && behind > 0)
      findings.breach(null, `${service}: ${behind} records of ${topic}[${partition}] are unread`, [`at ${committed} of ${end}`]);
  }
  const since = faultsEnded === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(faultsEnded);
  const examined = findings.end(['events said', 'operations']);
  if (since >= drainMs || examined.breaches.length === 0) return examined;
  // Too early to say: what is in hand may still be done within the time it has.
  return {
    counts: examined.counts,
    breaches: [],
    unexamined: `only ${Math.round(since / 1000)} s had passed since the last fault, and ${examined.breaches[0]?.what}`,
  };
};
