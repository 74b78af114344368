import { CommitDetected, type Release } from '@slipway/contracts';
import { Ancestry } from './ancestry.ts';
import { type Effect, effectsOf, effectWords, heardDocker, whereOf } from './effects.ts';
import { factsOf, type SaidOf, wordsOf } from './facts.ts';
import { grantsOf } from './grants.ts';
import type { History } from './history.ts';
import { type Rollout, rolloutsOf, type Stand, standsOf } from './rollouts.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** How far Docker's clock and Postgres' may be apart. */
const skewMs = 2000;
/** So many releases are told to contain one. */
const mostTold = 200;
/** With so many earlier releases each is compared at its birth. */
const compared = 100;

/**
 * 4. Never backwards by accident. Within a line an older release replaces a newer one only by a rollback, asked for or following a failure; what was
 * rolled back from comes again only by a grant given since; and what was replaced is never made again by somebody who had not heard.
 */
export const neverBackwards: Examination = (history) => {
  const findings = new Findings();
  const ancestry = new Ancestry(history);
  heardDocker(history, findings);
  const rollouts = Map.groupBy(rolloutsOf(history), whereOf);
  for (const [where, here] of rollouts) {
    const stands = standsOf(here);
    for (const rollout of here) step(rollout, stands, here, { history, ancestry, findings });
    const effects = effectsOf(history).filter((effect) => effect.role === 'instance' && whereOf(effect) === where);
    findings.count('effects in Docker', effects.length);
    for (const effect of effects) inForce(effect, here, stands, findings);
  }
  born(history, ancestry, findings);
  return findings.end(['rollouts', 'effects in Docker', 'events of Docker', 'places in the repository']);
};

interface Looking {
  readonly history: History;
  readonly ancestry: Ancestry;
  readonly findings: Findings;
}

function step(rollout: Rollout, stands: readonly Stand[], here: readonly Rollout[], { history, ancestry, findings }: Looking): void {
  findings.count('rollouts');
  const { release, started, kind, grant } = rollout;
  if (kind === 'rollback') return void findings.count('rollbacks');
  const stood = stands.findLast(({ from }) => from <= started.ms);
  if (stood && ancestry.isOlder(release, stood.release))
    findings.breach(release.id, `release ${release.number} was rolled out over release ${stood.release.number} in ${whereOf(rollout)}`, [
      wordsOf(started),
      wordsOf(stood.rollout.started),
    ]);
  const left = leftBy(release, stands, here, started.ms);
  const issued = grantsOf(history).get(grant)?.statement.issuedAt;
  if (left !== undefined && issued !== undefined && Date.parse(issued) < left)
    findings.breach(
      release.id,
      `release ${release.number} came back to ${whereOf(rollout)} after it was rolled back from there, by a grant from before`,
      [wordsOf(started)],
    );
}

/** When the release was last rolled back from before this moment; undefined where it never was. */
function leftBy(release: Release, stands: readonly Stand[], here: readonly Rollout[], before: number): number | undefined {
  const failed = here
    .filter((each) => each.release.id === release.id)
    .flatMap(({ ends }) => ends.filter(({ how, at }) => how === 'failed' && at < before));
  const replaced = stands.filter(
    ({ from, rollout }, at) => rollout.kind === 'rollback' && from < before && stands[at - 1]?.release.id === release.id,
  );
  const times = [...failed.map(({ at }) => at), ...replaced.map(({ from }) => from)];
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** Whatever Docker was asked to make was what rolled out then, what stood then, or what a rollout that failed went back to. */
function inForce(effect: Effect, here: readonly Rollout[], stands: readonly Stand[], findings: Findings): void {
  const { at } = effect;
  const isIt = ({ release, attempt }: { release: Release; attempt: number }) => release.id === effect.release && attempt === effect.attempt;
  const isUnderWay = ({ started, ends }: Rollout) => started.ms <= at + skewMs && (ends[0]?.at ?? Number.POSITIVE_INFINITY) >= at - skewMs;
  const underWay = here.filter(isUnderWay);
  if (underWay.some(isIt)) return;
  const stood = stands.filter(
    ({ from }, index) => from <= at + skewMs && (stands[index + 1]?.from ?? Number.POSITIVE_INFINITY) >= at - skewMs,
  );
  if (stood.some(isIt)) return;
  const goesBack = underWay.some(({ ends }) => ends[0] === undefined || ends[0].how === 'failed');
  if (goesBack && stands.some((stand) => stand.from < at + skewMs && isIt(stand))) return;
  // What no intent was ever written for is for promise 2 to tell.
  if (!here.some((rollout) => isIt(rollout) && rollout.started.ms <= at + skewMs)) return;
  const stands_ = stood.at(-1);
  findings.breach(
    effect.release,
    `attempt ${effect.attempt} of release ${numberOf(effect, here)} was made again in ${whereOf(effect)}, where ${stands_ ? `release ${stands_.release.number} stood` : 'nothing stood'}`,
    [effectWords(effect), ...(stands_ ? [wordsOf(stands_.rollout.started)] : [])],
  );
}

function numberOf(effect: Effect, here: readonly Rollout[]): string {
  return String(here.find(({ release }) => release.id === effect.release)?.release.number ?? effect.release);
}

/** What a release is said to be an ancestor of is what the repository says, no more and no less: product and people go by it. */
function born(history: History, ancestry: Ancestry, findings: Findings): void {
  const all = factsOf(history).named(CommitDetected);
  for (const [project, detected] of Map.groupBy(all, ({ data }) => data.release.project)) {
    const byNumber = new Map(detected.map(({ data }) => [data.release.number, data.release]));
    const births = new Births(detected);
    if (!ancestry.isRead(project) && detected.some(({ data }) => data.release.kind === 'commit' || data.release.kind === 'tag'))
      findings.cannot(`the repository of ${project} was not read`);
    for (const { data, ...said } of detected) {
      const { id, number, kind, ancestorOf } = data.release;
      cameFrom({ data, ...said }, births, ancestry, findings);
      const above = kind === 'configuration' ? undefined : ancestry.descendants(data.release);
      if (above === undefined) continue;
      findings.count('places in the repository');
      for (const other of byNumber.values()) {
        const isPart = above.has(other.revision);
        const isSaid = ancestorOf.includes(other.number);
        if (isSaid && !isPart)
          findings.breach(id, `release ${number} is said to be part of release ${other.number}, which the repository denies`, [
            wordsOf(said),
          ]);
        // Of what is born later nobody can know, and only so many are told.
        if (isPart && !isSaid && other.number < number && other.kind !== 'configuration' && ancestorOf.length < mostTold)
          findings.breach(id, `release ${number} is part of release ${other.number} by the repository, and is not said to be`, [
            wordsOf(said),
          ]);
      }
    }
  }
}

type Born = SaidOf<typeof CommitDetected>;

/** What was born in a project, by number and by revision. */
class Births {
  readonly all: readonly Born[];
  readonly byNumber: ReadonlyMap<number, Born>;
  readonly #byRevision: ReadonlyMap<string, readonly Born[]>;

  constructor(all: readonly Born[]) {
    this.all = all;
    this.byNumber = new Map(all.map((each) => [each.data.release.number, each]));
    this.#byRevision = Map.groupBy(all, ({ data }) => data.release.revision);
  }

  /** The commits of releases that one contains by what was said at their births; undefined where one of them was told of before that was said. */
  told(own: Born): ReadonlySet<string> | undefined {
    const seen = new Set<Born>();
    const open = [own];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const { release, range } = at.data;
      if (seen.has(at)) continue;
      seen.add(at);
      if (range.merged === undefined) return undefined;
      const compared = this.#byRevision.get(range.from ?? '')?.find(({ data }) => data.release.number < release.number);
      open.push(...(compared ? [compared] : []), ...range.merged.flatMap((number) => this.byNumber.get(number) ?? []));
    }
    return new Set([...seen].map(({ data }) => data.release.revision));
  }
}

/** What a release is said to be made of it contains by the repository, and of all that it contains somebody can tell from what was said. */
function cameFrom(own: Born, births: Births, ancestry: Ancestry, findings: Findings): void {
  const { release, range } = own.data;
  const below = ancestry.ancestors(release);
  if (!below) return;
  const isIn = (revision: string | undefined) => revision === release.revision || (revision !== undefined && below.has(revision));
  const revisionOf = (number: number) => births.byNumber.get(number)?.data.release.revision;
  const denied = (what: string) => findings.breach(release.id, `release ${release.number} ${what}`, [wordsOf(own)]);
  if (range.from !== null && !isIn(range.from)) denied(`is counted from ${range.from}, which it does not contain by the repository`);
  for (const number of range.merged ?? [])
    if (!isIn(revisionOf(number))) denied(`is said to contain release ${number}, which the repository denies`);
  const told = births.told(own);
  if (!told) return;
  const near = births.all.filter(
    ({ data: { release: other } }) => other.number < release.number && other.number >= release.number - compared,
  );
  for (const { release: other } of near.map(({ data }) => data)) {
    const isTold = told.has(other.revision) || other.ancestorOf.some((number) => told.has(revisionOf(number) ?? ''));
    if (isIn(other.revision) && !isTold) denied(`contains release ${other.number} by the repository, and nothing that was said tells so`);
  }
}
