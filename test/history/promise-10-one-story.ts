import { createHash } from 'node:crypto';
import { catalog, Service, SignOffPosted, topicOf, topics } from '@slipway/contracts';
import { type Facts, factsOf, placeOf, type Said, wordsOf } from './facts.ts';
import { rowsBy } from './indexes.ts';
import { Findings } from './tell.ts';
import { mustBeHeard, unreadBy } from './unread.ts';
import type { Examination } from './verdict.ts';

/**
 * 10. One story: what a writer says of a subject is numbered from 1 without a gap, each number and each id once and always with the same bytes, in order in
 * its partition; the gateway's journal has all of it and nothing else; and each release's timeline has exactly the events that tell of it.
 */
export const oneStory: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  findings.count('records', history.records.length);
  findings.count('records that prove no writer', facts.unproven.length);
  for (const gap of history.about.gaps) findings.cannot(gap);
  for (const record of facts.otherBytes)
    findings.breach(
      record.headers['ce_correlationid'],
      `event ${record.headers['ce_id']} of ${record.headers['ce_source']} says two things`,
      [placeOf(record)],
    );
  const begun = begunAnew(facts);
  for (const line of Map.groupBy(facts.said, ({ source, subject }) => `${source} of ${subject}`)) numbered(line, begun, findings);
  for (const said of facts.said) {
    findings.count('events');
    findings.count('said again', Math.max(0, said.copies.length - 1));
  }
  const unread = unreadBy(history, 'gateway');
  inJournal(facts, unread, findings);
  inLedger(facts, unread, findings);
  return findings.end(['events', 'lines of a writer', 'rows of the journal', 'timelines']);
};

function isCompacted(topic: string): boolean {
  return (topics as Record<string, { retention: string }>)[topic]?.retention === 'compact';
}

/** What one writer says of one subject. */
function numbered([line, said]: [string, Said[]], begun: ReadonlyMap<string, number>, findings: Findings): void {
  const counted = said
    .flatMap((each) => (each.sequence === undefined ? [] : [{ ...each, sequence: each.sequence }]))
    .sort((one, other) => one.sequence - other.sequence);
  if (counted.length > 0) findings.count('lines of a writer');
  let expected = 1;
  for (const each of counted) {
    if (each.sequence > expected) {
      const missing = each.sequence === expected + 1 ? `#${expected}` : `#${expected} to #${each.sequence - 1}`;
      findings.breach(each.correlation, `${line}: ${missing} is missing`, [wordsOf(each)]);
    } else if (each.sequence < expected) {
      findings.breach(
        each.correlation,
        `${line}: #${each.sequence} was given out twice`,
        [counted.find(({ sequence }) => sequence === each.sequence) ?? each, each].map(wordsOf),
      );
    }
    expected = Math.max(expected, each.sequence + 1);
  }
  inOrder(line, counted, begun, findings);
}

/** Of each topic that lacks something which was said in it: when the oldest was taken of what it has. */
function begunAnew({ said }: Facts): ReadonlyMap<string, number> {
  const lost = new Set<string>(
    said.flatMap(({ name, source, copies }) => {
      const [definition, service] = [catalog.get(name), Service.safeParse(source)];
      return copies.length === 0 && definition && service.success ? [topicOf(definition, service.data)] : [];
    }),
  );
  const oldest = new Map<string, number>();
  for (const { topic, at } of said.flatMap(({ copies }) => copies))
    if (lost.has(topic)) oldest.set(topic, Math.min(at, oldest.get(topic) ?? at));
  return oldest;
}

/** First said in order: what is said again later is the same event, and may come behind newer ones. */
function inOrder(
  line: string,
  counted: readonly (Said & { sequence: number })[],
  begun: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  const last = new Map<string, { offset: number; said: Said }>();
  for (const said of counted) {
    const first = said.copies[0];
    if (!first) continue;
    // What is older than a log that was begun anew may have been said first in the one before.
    if (said.ms < (begun.get(first.topic) ?? Number.NEGATIVE_INFINITY)) {
      findings.count('may have been said first in a log that is lost');
      continue;
    }
    const place = `${first.topic}[${first.partition}]`;
    const before = last.get(place);
    if (before && before.offset > first.offset)
      findings.breach(said.correlation, `${line}: said out of order in ${place}`, [before.said, said].map(wordsOf));
    if (!before || before.offset < first.offset) last.set(place, { offset: first.offset, said });
  }
}

function inJournal(facts: Facts, unread: ReadonlyMap<string, number>, findings: Findings): void {
  if (!facts.has('gateway', 'journal')) return void findings.cannot('the journal was not read');
  if (facts.rows('gateway', 'journal_archive').length > 0)
    return void findings.cannot('months of the journal lie in files that were not read');
  const rows = rowsBy(facts, 'gateway', 'journal', 'event_id');
  findings.count('rows of the journal', facts.rows('gateway', 'journal').length);
  // What fits no contract is laid aside, and not for the journal.
  const believed = new Set(facts.named(SignOffPosted).map(({ value }) => value));
  for (const said of facts.said) {
    const named = (rows.get(said.id) ?? []).filter(({ source }) => source === said.source);
    const digest = createHash('sha256').update(said.value).digest('hex');
    const kept = named.filter(({ value_sha256: sha256 }) => sha256 === digest);
    const isGarbage = said.name === SignOffPosted.name && !believed.has(said.value);
    const no = (what: string) => findings.breach(said.correlation, `${said.name} of ${said.source} ${what}`, [wordsOf(said)]);
    if (kept.length > 1) no(`is in the journal ${kept.length} times`);
    if (kept.length === 0 && !isGarbage && mustBeHeard(said, unread))
      no(named.length > 0 ? 'is in the journal with other bytes' : 'is not in the journal');
    if (said.copies.length === 0 && named.length === 0) no('was said, and neither a topic nor the journal has it');
  }
  for (const { event_id: id, source, name, release, headers } of facts.rows('gateway', 'journal')) {
    if (facts.meanwhile.ids.has(String(id))) continue;
    const topic = (headers as Record<string, string> | null) ?? {};
    if (!facts.byId.has(`${String(source)} ${String(id)}`) && !isCompacted(topic['topic'] ?? ''))
      findings.breach(
        typeof release === 'string' ? release : null,
        `the journal has ${String(name)} of ${String(source)}, which nobody ever said`,
        [`event ${String(id)}`],
      );
  }
}

/** The releases an event tells of. */
function releasesIn(said: Said): string[] {
  type Named = { id?: string } | string | null | undefined;
  type Telling = { release?: Named; replaces?: Named; from?: Named; releases?: Named[] };
  const idOf = (named: Named) => (typeof named === 'string' ? named : named?.id);
  try {
    const { release, replaces, from, releases = [] } = JSON.parse(said.value.toString('utf8')) as Telling;
    const ids = [release, replaces, said.name === 'rollout.rolled-back' ? from : undefined, ...releases].map(idOf);
    return [...new Set(ids.filter((id) => id !== undefined))];
  } catch {
    return [];
  }
}

function inLedger(facts: Facts, unread: ReadonlyMap<string, number>, findings: Findings): void {
  if (!facts.has('gateway', 'release_event')) return void findings.cannot('the ledger was not read');
  const told = rowsBy(facts, 'gateway', 'release_event', 'release');
  const events = new Map<string, Said[]>();
  for (const said of facts.said) for (const release of releasesIn(said)) events.set(release, [...(events.get(release) ?? []), said]);
  const kept = rowsBy(facts, 'gateway', 'release', 'id');
  for (const [release, of] of events) {
    findings.count('timelines');
    const ids = new Set((told.get(release) ?? []).map(({ event_id: id }) => String(id)));
    for (const said of of)
      if (!ids.has(said.id) && mustBeHeard(said, unread))
        findings.breach(release, `its timeline lacks ${said.name} of ${said.source}`, [wordsOf(said)]);
    for (const id of ids)
      if (!facts.meanwhile.ids.has(id) && !of.some((said) => said.id === id))
        findings.breach(release, `its timeline has event ${id}, which nobody said of it`);
    if (!kept.has(release) && of.some((said) => said.name === 'commit.detected' && mustBeHeard(said, unread)))
      findings.breach(release, 'it is not in the ledger', of.slice(0, 1).map(wordsOf));
  }
}
