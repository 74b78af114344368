import { CommitDetected, services } from '@slipway/contracts';
import { effectsOf } from './effects.ts';
import { type Facts, factsOf, placeOf, type Said } from './facts.ts';
import type { DockerEvent, History, Row, Seen } from './history.ts';

interface Moment {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly more: readonly string[];
}

/** Of each table that has rows of a release, the column that says which. */
const tables: readonly (readonly [service: string, table: string, columns: readonly string[]])[] = [
  ['source-watcher', 'outcome', ['kind', 'number', 'ref', 'revision', 'reason']],
  ['image-builder', 'build', ['state', 'attempt', 'image']],
  ['test-deployer', 'deployment', ['environment', 'state', 'id']],
  ['approval', 'request', ['environment', 'state', 'grant_id', 'grant_used', 'id']],
  ['production-rollout', 'rollout', ['environment', 'state', 'request', 'id']],
  ['gateway', 'release', ['phase', 'changed_at']],
];

/**
 * All that is known of one release, in order of time, for a person: what was said of it (by whom, its number, where it lies, how often it was said again),
 * what Docker did for it, what load clients saw of it; then the rows that stand, and the work that is or was owed. `release` is its id, or `shop/42`. Of a
 * release nobody knows it says so.
 */
export function story(history: History, release: string): string {
  const facts = factsOf(history);
  const born = facts
    .named(CommitDetected)
    .find(({ data }) => data.release.id === release || `${data.release.project}/${data.release.number}` === release);
  const id = born?.data.release.id ?? release;
  const own = facts.said.filter((each) => tellsOf(each, id));
  // What led to any of it belongs to it, though it names the environment only: a person's command, say.
  const causes = new Set(own.map(({ cause }) => cause));
  const said = facts.said.filter((each) => own.includes(each) || causes.has(each.id));
  const docker = dockerOf(history, id);
  if (said.length + docker.length === 0) return `Nothing is known of release ${release} among ${history.records.length} records.`;
  const moments = [
    ...said.map((each) => sayingOf(each, facts)),
    ...docker,
    ...seenOf(history.seen, said, { id, revision: born?.data.release.revision }),
  ];
  const { project, number, kind, ref, revision } = born?.data.release ?? {};
  const head = born ? `Release ${project}/${number} (${id}), a ${kind} of ${ref} at ${revision}` : `Release ${id}, whose birth nobody told`;
  return [head, '', ...inOrder(moments), '', 'Rows:', ...rowsOf(facts, id, revision), '', 'Work:', ...workOf(facts, id, said), ''].join(
    '\n',
  );
}

/** About it, caused by what is about it, or naming it anywhere. */
function tellsOf({ subject, correlation, value }: Said, id: string): boolean {
  return subject === id || correlation === id || value.includes(id);
}

function inOrder(moments: readonly Moment[]): string[] {
  const sorted = moments.toSorted((one, other) => one.at - other.at);
  const widest = Math.max(...sorted.map(({ who }) => who.length), 0);
  const [first] = sorted;
  return sorted.flatMap(({ at, who, what, more }) => {
    const time = Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : '?'.padEnd(12);
    const after = `+${((at - (first?.at ?? 0)) / 1000).toFixed(1)}s`.padStart(9);
    return [`${time} ${after}  ${who.padEnd(widest)}  ${what}`, ...more.map((line) => `${' '.repeat(26 + widest)}${line}`)];
  });
}

function sayingOf({ ms, source, name, sequence, id, cause, copies, value }: Said, facts: Facts): Moment {
  const [first] = copies;
  const again = copies.length > 1 ? `, said ${copies.length} times` : '';
  const lag = first && first.at - ms > 1000 ? `, ${((first.at - ms) / 1000).toFixed(1)} s before a broker had it` : '';
  const where = first ? `${placeOf(first)}${again}${lag}` : 'in a table, on no topic';
  const because = cause === undefined ? [] : [`because of ${causeWords(cause, facts)}`];
  return { at: ms, who: source, what: `${name} #${sequence ?? '-'}  ${where}  ${id}`, more: [...because, ...tellingOf(value)] };
}

function causeWords(cause: string, facts: Facts): string {
  const found = facts.said.find(({ id }) => id === cause);
  return found ? `${found.name} of ${found.source} (${cause})` : `${cause}, which is nowhere`;
}

/** What is worth reading of an event's data. */
const telling = [
  'environment',
  'attempt',
  'state',
  'request',
  'rollout',
  'deployment',
  'grant',
  'kind',
  'outcome',
  'decision',
  'message',
  'command',
  'action',
  'next',
];

function tellingOf(value: Buffer): string[] {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(value.toString('utf8')) as Record<string, unknown>;
  } catch {
    return ['its data is no JSON'];
  }
  const words = telling.flatMap((name) => (isShort(data[name]) ? [`${name} ${short(data[name])}`] : []));
  const { image, reason, person, by } = data as {
    image?: { digest?: string } | null;
    reason?: unknown;
    person?: { name?: string };
    by?: { name?: string } | null;
  };
  if (image?.digest) words.push(`image ${image.digest.slice(0, 19)}`);
  if (reason) words.push(`reason ${short(reason)}`);
  const who = person?.name ?? by?.name;
  if (who) words.push(`by ${who}`);
  return words.length === 0 ? [] : [words.join(', ').slice(0, 400)];
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || (typeof value === 'object' && value !== null && 'kind' in value);
}

function short(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 200);
}

/** What Docker told of its containers, and of those nobody heard being made, that they were found. */
function dockerOf(history: History, release: string): Moment[] {
  const effects = effectsOf(history).filter((effect) => effect.release === release);
  const names = new Map(effects.map(({ container, name }) => [container, name]));
  const told = history.docker.events.filter(({ id }) => names.has(id)).map((event) => eventOf(event, names.get(event.id) ?? ''));
  const found = effects
    .filter(({ heard }) => !heard)
    .map(({ at, name, container, image }) => ({
      at,
      who: 'docker',
      what: `found ${name} (${container.slice(0, 12)}), which nobody heard being made`,
      more: [image],
    }));
  const gaps = history.docker.gaps.map(({ from, to, why }) => ({
    at: from,
    who: 'docker',
    what: `nobody listened until ${new Date(to).toISOString()}: ${why}`,
    more: [],
  }));
  return told.length + found.length === 0 ? [] : [...told, ...found, ...gaps];
}

function eventOf({ at, action, id, attributes }: DockerEvent, name: string): Moment {
  const { image = '', exitCode, signal } = attributes;
  const label = (key: string) => attributes[`dev.slipway.${key}`] ?? '-';
  const more =
    action === 'create' ? [`in ${label('environment')}, attempt ${label('attempt')}, epoch ${label('epoch')}, from ${image}`] : [];
  const how = [exitCode === undefined ? '' : ` exit code ${exitCode}`, signal === undefined ? '' : ` signal ${signal}`].join('');
  return { at, who: 'docker', what: `${action} ${name} (${id.slice(0, 12)})${how}`, more };
}

/** What load clients saw of its revision, and of the requests and commands that name it. */
function seenOf(seen: readonly Seen[], said: readonly Said[], { id, revision }: { id: string; revision: string | undefined }): Moment[] {
  const values = said.map(({ value }) => value.toString('utf8')).join('\n');
  return seen.flatMap((each): Moment[] => {
    if (!isAbout(each, values, { id, revision })) return [];
    const { kind, asked, answered, ...what } = each;
    const status = 'status' in each ? ` answered ${each.status === 0 ? 'never' : each.status}` : '';
    const took = Date.parse(answered) - Date.parse(asked);
    return [{ at: Date.parse(asked), who: 'a client', what: `${kind}${status} after ${took} ms`, more: [short(what)] }];
  });
}

function isAbout(seen: Seen, values: string, { id, revision }: { id: string; revision: string | undefined }): boolean {
  if (seen.kind === 'push' || seen.kind === 'delivery') return seen.revision === revision;
  if (seen.kind === 'sign-off') return values.includes(seen.request);
  // A command may name an environment only: what came of it bears the id that its answer told.
  const command = /"command":"([^"]+)"/.exec(seen.answer)?.[1];
  return (seen.kind === 'command' && seen.about === id) || (command !== undefined && values.includes(command));
}

function rowsOf(facts: Facts, id: string, revision: string | undefined): string[] {
  const lines = tables.flatMap(([service, table, columns]) =>
    facts
      .rows(service, table)
      .filter((row) => row['release'] === id || row['id'] === id || (revision !== undefined && row['revision'] === revision))
      .map(
        (row) =>
          `  ${service}.${table}: ${columns.flatMap((name) => (row[name] === null || row[name] === undefined ? [] : [`${name} ${short(row[name])}`])).join(', ')}`,
      ),
  );
  return lines.length > 0 ? lines : ['  none'];
}

/** Operations that name it, or a request, rollout or deployment of it, and hand-offs of what was said of it. */
function workOf(facts: Facts, id: string, said: readonly Said[]): string[] {
  const owed =
    facts.said.length === 0 ? [] : services.flatMap((service) => facts.rows(service, 'operation').map((row) => ({ service, row })));
  const own = new Set([id, ...['deployment', 'rollout', 'request'].flatMap((table) => rowIds(facts, table, id))]);
  const operations = owed
    .filter(({ row }) => [...own].some((each) => String(row['key']).includes(each)))
    .map(
      ({ service, row }) =>
        `  ${service}: ${['kind', 'key', 'state', 'epoch', 'attempt', 'due_at', 'waiting_for', 'last_error'].flatMap((name) => present(row, name)).join(', ')}`,
    );
  const events = new Set(said.map((each) => each.id));
  const unanswered = services.flatMap((service) =>
    facts
      .rows(service, 'handoff')
      .filter((row) => events.has(String(row['event_id'])))
      .map(
        (row) =>
          `  ${service} waits for ${String(row['service'])} to answer ${String(row['event_id'])}, said again ${String(row['tries'])} times`,
      ),
  );
  return [...operations, ...unanswered].length > 0 ? [...operations, ...unanswered] : ['  none'];
}

function rowIds(facts: Facts, table: string, release: string): string[] {
  const of = { deployment: 'test-deployer', rollout: 'production-rollout', request: 'approval' }[table] ?? '';
  return facts
    .rows(of, table)
    .filter((row) => row['release'] === release)
    .map((row) => String(row['id']));
}

function present(row: Row, name: string): string[] {
  return row[name] === null || row[name] === undefined ? [] : [`${name} ${short(row[name])}`];
}
