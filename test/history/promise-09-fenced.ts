import {
  BuildCancelled,
  BuildFailed,
  CommandAccepted,
  CommandIssued,
  DeploymentFailed,
  DeploymentSucceeded,
  type EventDefinition,
  ImageBuilt,
  VerificationFailed,
  VerificationPassed,
} from '@slipway/contracts';
import { type Effect, effectsOf, effectWords, heardDocker, whereOf } from './effects.ts';
import { type Facts, factsOf, type Said, wordsOf } from './facts.ts';
import type { History, Row } from './history.ts';
import { rowsBy } from './indexes.ts';
import { type Rollout, rolloutsOf, testEnvironments } from './rollouts.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/**
 * 9. Fenced: no write carries an older epoch than the newest issued for its operation. In Docker's history the epochs of one operation never go down, and
 * none is higher than any that was given out; and no piece of work has two ends, as it would had an overtaken worker still been heard.
 */
export const fenced: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const operations = new Map(
    ['production-rollout', 'test-deployer'].flatMap((service) =>
      facts.rows(service, 'operation').map((row) => [`${service} ${String(row['kind'])} ${String(row['key'])}`, row]),
    ),
  );
  heardDocker(history, findings);
  findings.count('operations', operations.size);
  findings.count('taken over or tried again', [...operations.values()].filter(({ epoch }) => Number(epoch) > 1).length);
  const instances = effectsOf(history).filter(({ role }) => role === 'instance');
  const tests = testEnvironments(facts);
  for (const rollout of rolloutsOf(history)) inRollout(rollout, instances, operations, findings);
  for (const deployment of facts.rows('test-deployer', 'deployment')) inTest(deployment, instances, operations, findings);
  const most = mostGiven(operations, facts);
  for (const effect of instances) known(effect, tests, most, findings);
  ends(facts, history, findings);
  return findings.end(['operations', 'epochs in Docker', 'events of Docker', 'ends']);
};

type Operations = ReadonlyMap<string, Row>;

/** What one operation made, in the order Docker made it. */
function inOrder(made: readonly Effect[], operation: Row | undefined, findings: Findings): void {
  let [newest, at] = [0, 0];
  for (const effect of made) {
    findings.count('epochs in Docker');
    const epoch = effect.epoch ?? 0;
    if (epoch < newest)
      findings.breach(
        effect.release,
        `${effect.name} in ${whereOf(effect)} was made with epoch ${epoch} after something was made with epoch ${newest}`,
        [effectWords(effect), new Date(at).toISOString()],
      );
    if (epoch > newest) [newest, at] = [epoch, effect.at];
    if (operation && epoch > Number(operation['epoch']))
      findings.breach(
        effect.release,
        `${effect.name} in ${whereOf(effect)} was made with epoch ${epoch}, and only ${String(operation['epoch'])} were given out`,
        [effectWords(effect)],
      );
  }
}

/** What a rollout made of its own attempt, between its intent and its verdict; what heals it afterwards is the guard's. */
function inRollout(rollout: Rollout, instances: readonly Effect[], operations: Operations, findings: Findings): void {
  const until = rollout.ends[0]?.at ?? Number.POSITIVE_INFINITY;
  const made = instances.filter((each) => whereOf(each) === whereOf(rollout) && each.attempt === rollout.attempt && each.at < until);
  inOrder(made, operations.get(`production-rollout rollout ${rollout.id}`), findings);
}

function inTest({ id, deployment }: Row, instances: readonly Effect[], operations: Operations, findings: Findings): void {
  const { release, project, environment, attempt, startedAt } = deployment as {
    release: { id: string };
    project: string;
    environment: string;
    attempt: number;
    startedAt: string | null;
  };
  const operation = operations.get(`test-deployer deployment ${String(id)}`);
  const until = Date.parse(String(operation?.['finished_at'] ?? '')) || Number.POSITIVE_INFINITY;
  if (startedAt === null) return;
  const made = instances.filter(
    (each) => each.release === release.id && whereOf(each) === `${project}/${environment}` && each.attempt === attempt && each.at < until,
  );
  inOrder(made, operation, findings);
}

/** Nothing was made with an epoch that nobody who works in its environment was ever given. */
function known(effect: Effect, tests: ReadonlySet<string>, most: ReadonlyMap<string, number>, findings: Findings): void {
  const where = whereOf(effect);
  const given = most.get(`${tests.has(where) ? 'test-deployer' : 'production-rollout'} ${where}`);
  if (given !== undefined && (effect.epoch ?? 0) > given)
    findings.breach(
      effect.release,
      `${effect.name} in ${where} was made with epoch ${effect.epoch}, and nothing that works there was given more than ${given}`,
      [effectWords(effect)],
    );
}

/** The newest epoch given to anything that works in an environment: its guard, scales, removals, and the rollouts or deployments there. */
function mostGiven(operations: Operations, facts: Facts): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  for (const [key, { epoch, input }] of operations) {
    const [service = ''] = key.split(' ');
    const { project, environment, rollout, deployment } = (input ?? {}) as Record<string, string | undefined>;
    const [row] = rollout
      ? (rowsBy(facts, service, 'rollout', 'id').get(rollout) ?? [])
      : deployment
        ? (rowsBy(facts, service, 'deployment', 'id').get(deployment) ?? [])
        : [];
    const place = row ? `${String(row['project'])}/${String(row['environment'])}` : `${project}/${environment}`;
    most.set(`${service} ${place}`, Math.max(most.get(`${service} ${place}`) ?? 0, Number(epoch)));
  }
  return most;
}

/** Each piece of work has one end: a second one comes from somebody who no longer held it. */
function ends(facts: Facts, history: History, findings: Findings): void {
  const once = (what: string, of: readonly { said: Said; release: string; key: string }[]) => {
    for (const same of Map.groupBy(of, ({ key }) => key).values()) {
      findings.count('ends');
      if (same.length > 1)
        findings.breach(
          same[0]?.release,
          `${what} ended ${same.length} times`,
          same.map(({ said }) => wordsOf(said)),
        );
    }
  };
  const each = (event: EventDefinition, key: string) =>
    facts.named(event).map((said) => {
      const data = said.data as Record<string, unknown> & { release: { id: string } };
      return { said, release: data.release.id, key: String(data[key]) };
    });
  once(
    'a rollout',
    rolloutsOf(history).flatMap(({ id, release, ends: of }) => of.map(({ event }) => ({ said: event, release: release.id, key: id }))),
  );
  once('a deployment', [
    ...each(DeploymentSucceeded, 'deployment'),
    ...each(DeploymentFailed, 'deployment').filter(({ said }) => !isStopped(said)),
  ]);
  once('a verification', [...each(VerificationPassed, 'deployment'), ...each(VerificationFailed, 'deployment')]);
  builds(facts, findings);
}

/** A build has one end for each time it was asked for: once, and once more for each retry that was accepted; and none after its image. */
function builds(facts: Facts, findings: Findings): void {
  const accepted = new Set(facts.named(CommandAccepted).flatMap(({ source, data }) => (source === 'image-builder' ? [data.command] : [])));
  const retries = facts
    .named(CommandIssued)
    .flatMap(({ ms, data: { command, action } }) =>
      action.kind === 'release.retry' && accepted.has(command) ? [{ ms, release: action.release }] : [],
    );
  const said = [...facts.named(BuildFailed), ...facts.named(BuildCancelled), ...facts.named(ImageBuilt)];
  for (const [release, of] of Map.groupBy(said, ({ data }) => data.release.id)) {
    const inOrder = of.toSorted((one, other) => (one.sequence ?? 0) - (other.sequence ?? 0));
    for (const [at, end] of inOrder.entries()) {
      findings.count('ends');
      const asked = 1 + retries.filter((each) => each.release === release && each.ms < end.ms).length;
      if (at >= asked || inOrder[at - 1]?.name === ImageBuilt.name)
        findings.breach(release, `a build ended ${at + 1} times, and was asked for ${asked} times`, inOrder.slice(0, at + 1).map(wordsOf));
    }
  }
}

/** A person may give up what is up and being verified: it came up once, and ends for a second reason. */
function isStopped(said: Said): boolean {
  return (said as Said & { data?: { reason?: { code?: string } } }).data?.reason?.code === 'cancelled';
}
