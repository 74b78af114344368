import { ApprovalExpired, ApprovalSuperseded, ApprovalVoided, CommandIssued, ReleaseWithdrawn } from '@slipway/contracts';
import { type Effect, effectsOf, effectWords, heardDocker, whereOf } from './effects.ts';
import { type Facts, factsOf, type Said, wordsOf } from './facts.ts';
import { type Grant, grantsOf, peopleAt } from './grants.ts';
import { committedBy } from './heard.ts';
import type { History } from './history.ts';
import { byRelease } from './indexes.ts';
import { letIn } from './let-in.ts';
import { madeOtherwise } from './made-otherwise.ts';
import { type Rollout, rolloutsOf, testEnvironments } from './rollouts.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** How far Docker's clock and Postgres' may be apart before an order in time is no order. */
const skewMs = 1500;

/**
 * 2. Whatever Docker was asked to make in pre-release or production was let in by a grant that approval signed before the intent was written: for this
 * release, digest, environment, target and configuration, not expired, voided or withdrawn then, by as many people as the policy asks. A grant lets one
 * rollout in; a rollback goes by the grant of what it restores, and by a person's command.
 */
export const nothingUnapproved: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const grants = grantsOf(history);
  const rollouts = rolloutsOf(history);
  const looking = { history, facts, findings, grants, rollouts };
  for (const rollout of rollouts) intent(rollout, looking);
  for (const [request, of] of Map.groupBy(
    rollouts.filter(({ kind }) => kind === 'rollout'),
    ({ grant }) => grants.get(grant)?.statement.request,
  )) {
    if (request !== undefined && of.length > 1)
      findings.breach(
        of[1]?.release.id,
        `request ${request} let in ${of.length} rollouts`,
        of.map(({ started }) => wordsOf(started)),
      );
  }
  for (const grant of grants.values()) letIn(grant, history, findings);
  effects(looking);
  return findings.end(['intents', 'grants', 'effects in Docker', 'events of Docker', 'containers held against what was let in']);
};

interface Looking {
  readonly history: History;
  readonly facts: Facts;
  readonly findings: Findings;
  readonly grants: ReadonlyMap<string, Grant>;
  readonly rollouts: readonly Rollout[];
}

function intent(rollout: Rollout, looking: Looking): void {
  const { findings, grants, facts } = looking;
  findings.count('intents');
  const { release, environment, started } = rollout;
  const no = (what: string, ...more: Said[]) =>
    findings.breach(
      release.id,
      `the ${rollout.kind} of release ${release.number} into ${release.project}/${environment} ${what}`,
      [started, ...more].map(wordsOf),
    );
  const grant = grants.get(rollout.grant);
  if (!grant) return void no(`names grant ${rollout.grant}, which approval never signed`);
  const { deployment } = grant.statement;
  if (deployment.release.id !== release.id || deployment.project !== release.project || deployment.environment !== environment)
    no(`goes by a grant for release ${deployment.release.number} in ${whereOf(deployment)}`, grant.event);
  if (deployment.image.digest !== started.data.image.digest)
    no(`runs ${started.data.image.digest}, and ${deployment.image.digest} was let in`, grant.event);
  const withdrawn = byRelease(facts, ReleaseWithdrawn)
    .get(release.id)
    ?.find((event) => committedBy(event) < started.ms);
  if (withdrawn) no('began after the release was withdrawn', withdrawn);
  if (rollout.kind === 'rollback') return void rollback(rollout, looking, no);
  if (Date.parse(grant.statement.issuedAt) > started.ms)
    no(`began before its grant was issued at ${grant.statement.issuedAt}`, grant.event);
  if (Date.parse(grant.statement.notAfter) < started.ms)
    no(`began after its grant had expired at ${grant.statement.notAfter}`, grant.event);
  const ended = [ApprovalVoided, ApprovalSuperseded, ApprovalExpired]
    .flatMap((event): readonly (Said & { data: { request: string } })[] => byRelease(facts, event).get(release.id) ?? [])
    .find((event) => event.data.request === grant.statement.request && committedBy(event) < started.ms);
  if (ended) no(`began after its grant had ended (${ended.name})`, ended, grant.event);
}

/** It cites the used grant of what it brings back, and somebody who may do so asked for it. */
function rollback(
  { id, grant, release, environment, started }: Rollout,
  { facts, rollouts }: Looking,
  no: (what: string, ...more: Said[]) => void,
): void {
  const used = rollouts.find((each) => each.kind === 'rollout' && each.grant === grant && each.started.ms < started.ms);
  if (!used?.ends.some(({ how, at }) => how === 'succeeded' && at <= started.ms)) no('cites a grant by which nothing ever ran well here');
  const row = facts.rows('production-rollout', 'rollout').find((each) => each['id'] === id);
  const asked = (row?.['rollout'] as { asked?: { command?: string } | null } | undefined)?.asked?.command;
  const command = facts.named(CommandIssued).find(({ data, ms }) => {
    const { action } = data;
    const isThis = action.kind === 'environment.rollback' && action.project === release.project && action.environment === environment;
    return (
      isThis && ms <= started.ms && (asked === undefined || data.command === asked) && (action.to === null || action.to === release.number)
    );
  });
  if (!command) return void no('was asked for by nobody');
  const { person, role } = command.data;
  const known = peopleAt(facts, command.ms).get(person.id);
  const holds =
    known?.active && known.roles.some((held) => held.role === role && (held.project === '*' || held.project === release.project));
  if (!holds || (role !== 'operator' && role !== 'administrator'))
    no(`was asked for by ${person.name} as ${role}, which they were not, or may not`, command);
}

function effects({ history, findings, grants, rollouts, facts }: Looking): void {
  const tests = testEnvironments(facts);
  const configs = new Map<string, Effect>();
  heardDocker(history, findings);
  for (const effect of effectsOf(history)) {
    if (tests.has(whereOf(effect))) continue;
    findings.count('effects in Docker');
    const no = (what: string, grant?: Grant) =>
      findings.breach(effect.release || null, `Docker made ${effect.name} in ${whereOf(effect)} ${what}`, [
        effectWords(effect),
        ...(grant ? [wordsOf(grant.event)] : []),
      ]);
    const began = rollouts.filter((each) => isOf(each, effect) && each.started.ms <= effect.at + skewMs);
    const grant = began.map((each) => grants.get(each.grant)).find((each) => each !== undefined);
    if (!grant) {
      no('and no intent by a grant of approval was written before');
      continue;
    }
    for (const what of madeOtherwise(effect, grant.statement.deployment, findings)) no(what, grant);
    const same = configs.get(grant.statement.asks) ?? effect;
    configs.set(grant.statement.asks, same);
    if (same.config !== effect.config && effect.role === 'instance')
      no(`with another configuration than ${same.name}, by one grant`, grant);
  }
}

/** A one-shot container belongs to the release as a whole; an instance to one attempt of it. */
function isOf(rollout: Rollout, { release, project, environment, attempt }: Effect): boolean {
  const isThere = rollout.release.id === release && rollout.project === project && rollout.environment === environment;
  return isThere && (attempt === undefined || rollout.attempt === attempt);
}
