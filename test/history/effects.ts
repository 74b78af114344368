import type { Container, DockerEvent, History } from './history.ts';
import type { Findings } from './tell.ts';

const label = (name: string) => `dev.slipway.${name}`;

/** A container that was made for a release, as Docker tells of it. */
export interface Effect {
  readonly container: string;
  /** By which it was made: two of one name cannot be there at once. It may be called otherwise later, when it is to go. */
  readonly name: string;
  /** `instance` or `one-shot`; proxies belong to no release. */
  readonly role: string;
  readonly project: string;
  readonly environment: string;
  readonly namespace: string;
  readonly release: string;
  readonly attempt: number | undefined;
  readonly epoch: number | undefined;
  /** Counts the instances of a deployment from 1. */
  readonly number: number | undefined;
  /** What it was made from: `repository@sha256:…`. */
  readonly image: string;
  /** What its label claims. */
  readonly digest: string;
  readonly config: string;
  /** When it was made, milliseconds by the Engine's clock. */
  readonly at: number;
  /** When somebody began to stop it, when it died, when it was taken away; absent where that did not happen, or nobody heard it. */
  readonly stopped: number | undefined;
  readonly died: number | undefined;
  readonly gone: number | undefined;
  /** The container as it was looked at; absent where it was gone before anybody looked. */
  readonly found: Container | undefined;
  /** False where nobody heard it being made, and it was found afterwards. */
  readonly heard: boolean;
}

const known = new WeakMap<History, readonly Effect[]>();

/** Every container that was made for a release of this installation, in order of time. */
export function effectsOf(history: History): readonly Effect[] {
  const effects = known.get(history) ?? gather(history);
  known.set(history, effects);
  return effects;
}

/** An effect in a few words, for people. */
export function effectWords({ name, release, attempt, epoch, at, container, heard }: Effect): string {
  const how = heard ? 'made' : 'found, made';
  return `${name} (${container.slice(0, 12)}, release ${release}, attempt ${attempt ?? '-'}, epoch ${epoch ?? '-'}, ${how} ${new Date(at).toISOString()})`;
}

/** How long nobody may have heard the Engine before something may have been made and taken away that nobody knows of. */
const deafMs = 2000;

/** Counts what Docker told, and says where it could not be heard. */
export function heardDocker({ docker }: History, findings: Findings): void {
  findings.count('events of Docker', docker.events.length);
  findings.count('gaps in what Docker told', docker.gaps.length);
  for (const { from, to, awayFrom = to } of docker.gaps) {
    const deaf = (awayFrom - from) / 1000;
    if (deaf * 1000 > deafMs) findings.cannot(`nobody heard Docker for ${deaf.toFixed(1)} s from ${new Date(from).toISOString()} on`);
  }
}

/** `project/environment` of an effect, and anything else that has both. */
export function whereOf({ project, environment }: { readonly project: string; readonly environment: string }): string {
  return `${project}/${environment}`;
}

function gather({ docker, about }: History): Effect[] {
  const events = Map.groupBy(
    docker.events.filter(({ type }) => type === 'container'),
    ({ id }) => id,
  );
  const containers = new Map(docker.containers.map((each) => [each.id, each]));
  const ids = new Set([...events.keys(), ...containers.keys()]);
  const effects = [...ids].flatMap((id) => effectOf(id, events.get(id) ?? [], containers.get(id), about.installation));
  return effects.sort((one, other) => one.at - other.at);
}

function effectOf(id: string, events: readonly DockerEvent[], found: Container | undefined, installation: string): Effect[] {
  const made = events.find(({ action }) => action === 'create');
  const labels = made?.attributes ?? found?.labels ?? events[0]?.attributes ?? {};
  const role = labels[label('role')] ?? '';
  if (labels[label('installation')] !== installation || (role !== 'instance' && role !== 'one-shot')) return [];
  const number = (name: string) => (labels[label(name)] === undefined ? undefined : Number(labels[label(name)]));
  const when = (...actions: string[]) => events.find(({ action }) => actions.includes(action))?.at;
  return [
    {
      container: id,
      name: made?.attributes['name'] ?? nameBefore(events) ?? found?.name ?? labels['name'] ?? '',
      role,
      project: labels[label('project')] ?? '',
      environment: labels[label('environment')] ?? '',
      namespace: labels[label('namespace')] ?? '',
      release: labels[label('release')] ?? '',
      attempt: number('attempt'),
      epoch: number('epoch'),
      number: number('instance'),
      image: made?.attributes['image'] ?? found?.image ?? labels['image'] ?? '',
      digest: labels[label('digest')] ?? '',
      config: labels[label('config')] ?? '',
      at: made?.at ?? (found ? Date.parse(found.createdAt) : (events[0]?.at ?? 0)),
      stopped: stopBegan(events, found),
      died: when('die'),
      gone: when('destroy'),
      found,
      heard: made !== undefined,
    },
  ];
}

/** The first name of one that was renamed, which Docker writes with a slash. */
function nameBefore(events: readonly DockerEvent[]): string | undefined {
  return events.find(({ action }) => action === 'rename')?.attributes['oldName']?.replace(/^\//, '');
}

/**
 * A stop tells the process to end and says `stop` when it has; who only kills or removes it by force never says that. What was started again since, as
 * after a restart of the Engine, was not taken away.
 */
function stopBegan(events: readonly DockerEvent[], found: Container | undefined): number | undefined {
  const stop = events.findLast(({ action }) => action === 'stop');
  if (stop === undefined || events.some(({ action, at }) => action === 'start' && at > stop.at)) return undefined;
  if (found?.startedAt !== undefined && Date.parse(found.startedAt) > stop.at) return undefined;
  return events.findLast(({ action, at }) => action === 'kill' && at <= stop.at)?.at ?? stop.at;
}
