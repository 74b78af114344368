import { services } from '@slipway/contracts';
import { type Facts, factsOf } from './facts.ts';
import type { History, Row } from './history.ts';
import { rowsBy } from './indexes.ts';
import { watches } from './left-to-do.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** How long after the last fault there may still be something to do. */
const drainMs = 60_000;
/** What an instance is called from when it is to go until it is gone. */
const onItsWayOut = /\.leaving\.[0-9a-f]{12}$/;
/** Reasons for which an event of ours is laid aside; what nobody of ours wrote is laid aside by right. */
const ours = ['handler-failed', 'given-up', 'bad-data', 'same-id-other-data'];

/**
 * 6. Drained: once faults have ended, nothing is left to be said, answered, read, worked on or taken away, no lease is held by the dead, and no event of ours
 * was laid aside or put off.
 */
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
    // Before the tables were read, that is: a lease is short, and the rest of the history takes its time.
    const read = Date.parse(history.about.topicsAt ?? until);
    const held = operations.filter((each) => each['state'] === 'running' && due(each) < read);
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
    left(service, 'events of ours were laid aside', aside, aside.map(toldAside));
    const parked = facts.rows(service, 'parked').filter(({ source }) => services.includes(source as never));
    left(service, 'events of ours are put off', parked, parked.map(toldAside));
  }
  const leaving = history.docker.containers.filter(({ there, name }) => there && onItsWayOut.test(name));
  left(
    'the target',
    'instances on their way out are still there',
    leaving,
    leaving.map(({ name, status }) => `${name} is ${status}`),
  );
  unread(history, facts, findings);
  const since = faultsEnded === undefined ? Number.POSITIVE_INFINITY : now - Date.parse(faultsEnded);
  const examined = findings.end(['events said', 'operations', 'places in partitions']);
  if (since >= drainMs || examined.breaches.length === 0) return examined;
  // Too early to say: what is in hand may still be done within the time it has.
  return {
    counts: examined.counts,
    breaches: [],
    unexamined: `only ${Math.round(since / 1000)} s had passed since the last fault, and ${examined.breaches[0]?.what}`,
  };
};

function toldAside({ event_id: id, reason, detail }: Row): string {
  return `event ${String(id)}: ${String(reason)} ${String(detail).slice(0, 200)}`;
}

/**
 * How far each service has read: as its group has committed or, where it never has, as its own table says, which knows only of what it acted on. A service
 * that has neither in any partition of a topic does not listen to it.
 */
function unread({ places, about }: History, facts: Facts, findings: Findings): void {
  for (const { service, topic, partition, committed, first, end } of places) {
    const own = rowsBy(facts, service, 'stored_offset', 'topic').get(`${about.topicPrefix}${topic}`) ?? [];
    if (committed < 0 && own.length === 0) continue;
    findings.count('places in partitions');
    const read = committed < 0 ? Number(own.find((row) => row['partition'] === partition)?.['next'] ?? first) : committed;
    if (read < end)
      findings.breach(null, `${service}: ${end - read} records of ${topic}[${partition}] are unread`, [`at ${read} of ${end}`]);
  }
}
