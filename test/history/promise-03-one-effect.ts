import {
  CommandIssued,
  DeploymentStarted,
  EnvironmentDrifted,
  EnvironmentRemoved,
  EnvironmentScaled,
  RolloutStarted,
} from '@slipway/contracts';
import { type Effect, effectsOf, effectWords, heardDocker, whereOf } from './effects.ts';
import { type Facts, factsOf, wordsOf } from './facts.ts';
import { grantsOf } from './grants.ts';
import type { History } from './history.ts';
import { rowsBy } from './indexes.ts';
import { rolloutsOf } from './rollouts.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** How far Docker's clock and Postgres' may be apart. */
const skewMs = 1500;

/**
 * 3. One effect per release, environment, attempt and step, in the target's own history. An instance has a name that tells release, attempt and number, so
 * that two workers who do the same cannot both succeed while it is there. So it is made again only where it was lost (it died, somebody took it away), or
 * where a drift, a person or another release led away and back; and there are never more of an attempt at once than were asked for.
 */
export const oneEffect: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const instances = effectsOf(history).filter(({ role }) => role === 'instance');
  findings.count('instances', instances.length);
  heardDocker(history, findings);
  const causes = causesOf(history, facts);
  for (const same of Map.groupBy(instances, (each) => `${whereOf(each)} ${each.name}`).values()) madeAgain(same, history, causes, findings);
  for (const same of Map.groupBy(instances, (each) => `${whereOf(each)} ${each.release} ${each.attempt} ${each.number}`).values())
    twins(same, findings);
  for (const same of Map.groupBy(instances, (each) => `${whereOf(each)} ${each.release} ${each.attempt}`).values())
    atOnce(same, history, findings);
  attempts(facts, findings);
  return findings.end(['instances', 'attempts', 'looked at at once', 'events of Docker']);
};

/** What leads away from what runs in an environment, and may lead back to it. */
interface Cause {
  readonly where: string;
  /** When it was said, and until when it went on: a rollout leads away, and where it fails back, as long as it is under way. */
  readonly from: number;
  readonly to: number;
  /** The attempt that began; what it makes itself is not led away from by its own beginning. */
  readonly attempt?: string;
}

function causesOf(history: History, facts: Facts): ReadonlyMap<string, readonly Cause[]> {
  const rollouts = rolloutsOf(history).map((rollout): Cause => {
    const { started, ends, release, attempt } = rollout;
    const to = ends.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...ends.map(({ at }) => at));
    return { where: whereOf(rollout), from: started.ms, to, attempt: `${release.id} ${attempt}` };
  });
  const deployments = facts.named(DeploymentStarted).map(
    ({ ms, data: { release, environment, attempt } }): Cause => ({
      ...moment(`${release.project}/${environment}`, ms),
      attempt: `${release.id} ${attempt}`,
    }),
  );
  const told = [...facts.named(EnvironmentDrifted), ...facts.named(EnvironmentScaled), ...facts.named(EnvironmentRemoved)].map(
    ({ ms, data }) => moment(whereOf(data), ms),
  );
  const asked = facts
    .named(CommandIssued)
    .flatMap(({ ms, data: { action } }) => (action.kind === 'environment.scale' ? [moment(whereOf(action), ms)] : []));
  return Map.groupBy([...rollouts, ...deployments, ...told, ...asked], ({ where }) => where);
}

function moment(where: string, ms: number): Cause {
  return { where, from: ms, to: ms };
}

function madeAgain(same: readonly Effect[], { docker }: History, causes: ReadonlyMap<string, readonly Cause[]>, findings: Findings): void {
  for (const [at, effect] of same.entries()) {
    const before = same[at - 1];
    if (!before) continue;
    findings.count('made again');
    const wasLost = before.stopped === undefined;
    const isUnheard = docker.gaps.some(({ from, to }) => from <= effect.at && to >= before.at);
    const why = (causes.get(whereOf(effect)) ?? []).some(
      ({ from, to, attempt }) => attempt !== `${effect.release} ${effect.attempt}` && to > before.at - skewMs && from < effect.at + skewMs,
    );
    if (!wasLost && !isUnheard && !why)
      findings.breach(
        effect.release,
        `${effect.name} in ${whereOf(effect)} was stopped and made again, and nothing says why`,
        [before, effect].map(effectWords),
      );
  }
}

/** One instance of one attempt under two names: made of two things. */
function twins(same: readonly Effect[], findings: Findings): void {
  const [one, ...others] = same;
  const other = others.find(({ name }) => name !== one?.name);
  if (one && other)
    findings.breach(
      one.release,
      `instance ${one.number} of attempt ${one.attempt} in ${whereOf(one)} was made as two`,
      [one, other].map(effectWords),
    );
}

/** Never more at a time than were asked for. What nobody heard end is left out: it may have ended long before. */
function atOnce(same: readonly Effect[], history: History, findings: Findings): void {
  const [first] = same;
  const wanted = first && wantedOf(history, first);
  if (!first || wanted === undefined) return;
  findings.count('looked at at once', same.length);
  const known = same.filter(({ stopped, gone, found }) => stopped !== undefined || gone !== undefined || found?.there === true);
  for (const effect of known) {
    const together = known.filter(
      (each) =>
        each.at <= effect.at && Math.min(each.stopped ?? Number.POSITIVE_INFINITY, each.gone ?? Number.POSITIVE_INFINITY) > effect.at,
    );
    if (together.length <= wanted) continue;
    findings.breach(
      effect.release,
      `${together.length} instances of attempt ${effect.attempt} stood in ${whereOf(effect)} at once, and ${wanted} were asked for`,
      together.map(effectWords),
    );
    return;
  }
}

/** The most that were ever asked for; undefined where that cannot be told. */
function wantedOf(history: History, effect: Effect): number | undefined {
  const facts = factsOf(history);
  const counts = facts
    .named(CommandIssued)
    .flatMap(({ data: { action } }) =>
      action.kind === 'environment.scale' && whereOf(action) === whereOf(effect) ? [action.instances ?? 0] : [],
    );
  const rollout = rolloutsOf(history).find(
    (each) => each.release.id === effect.release && whereOf(each) === whereOf(effect) && each.attempt === effect.attempt,
  );
  const planned = rollout ? grantsOf(history).get(rollout.grant)?.statement.deployment.app.instances : inTest(facts, effect);
  return planned === undefined ? undefined : Math.max(planned, ...counts);
}

function inTest(facts: Facts, effect: Effect): number | undefined {
  type Kept = { attempt: number; environment: string; resolved: { app: { instances: number } } | null };
  const rows = rowsBy(facts, 'test-deployer', 'deployment', 'release').get(effect.release) ?? [];
  const deployments = rows.map(({ deployment }) => deployment as Kept);
  return deployments.find(({ environment, attempt }) => environment === effect.environment && attempt === effect.attempt)?.resolved?.app
    .instances;
}

/** An attempt begins once, however often it is taken over. */
function attempts(facts: Facts, findings: Findings): void {
  const begun = [
    ...facts.named(RolloutStarted).map((said) => ({
      said,
      release: said.data.release.id,
      of: said.data.rollout,
      key: `${said.data.release.project}/${said.data.environment} ${said.data.attempt}`,
    })),
    ...facts.named(DeploymentStarted).map((said) => ({
      said,
      release: said.data.release.id,
      of: said.data.deployment,
      key: `${said.data.release.id} ${said.data.environment} ${said.data.attempt}`,
    })),
  ];
  for (const [key, same] of Map.groupBy(begun, (each) => each.key)) {
    findings.count('attempts');
    if (same.length > 1)
      findings.breach(
        same[0]?.release,
        `attempt ${key.split(' ').at(-1)} in ${key.split(' ')[0]} began ${same.length} times`,
        same.map(({ said }) => wordsOf(said)),
      );
  }
}
