import {
  BuildStarted,
  CommandAccepted,
  CommandIssued,
  CommitDetected,
  DeploymentStarted,
  DeploymentSucceeded,
  EventNoted,
  ImageBuilt,
  type Release,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  VerificationPassed,
} from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { aCommit, anId, aRevision } from '@slipway/testkit';
import type { RepositoryCommit } from './history.ts';
import type { Line } from './scribe.ts';
import { author, imageOf, type Teller } from './teller.ts';

/** A commit that becomes an image. */
export async function build(teller: Teller, release: Release): Promise<void> {
  const { id, number, project, ref, revision } = release;
  const commit: RepositoryCommit = {
    revision,
    parents: number > 1 ? [aRevision(String(number - 1))] : [],
    author,
    committer: author,
    message: `Change ${number}`,
  };
  teller.commits.push(teller.twist.commit?.[number]?.(commit) ?? commit);
  const time = new Date(teller.now).toISOString();
  teller.seen.push({ kind: 'push', project, ref, revision, asked: time, answered: time });
  if (number === 1)
    teller.seen.push({ kind: 'delivery', project, delivery: 'delivery-1', ref, revision, status: 202, asked: time, answered: time });
  teller.rows.outcome.push({ project, ref, revision, kind: 'release', number });
  const born = {
    release,
    projectVersion: 1,
    range: { from: number > 1 ? aRevision(String(number - 1)) : null, commits: [aCommit({ revision })], total: 1, merged: [] },
    people: [author],
    pusher: null,
    trigger: { kind: 'poll', person: null },
    repositoryFile: null,
    image: null,
  };
  const cause = teller.say(`commit.detected ${number}`, 'source-watcher', CommitDetected, born, id);
  teller.say(`build.started ${number}`, 'image-builder', BuildStarted, { release, attempt: 1, backend: 'docker' }, id, cause);
  const image = imageOf(number);
  const built = {
    release,
    projectVersion: 1,
    image,
    built: true,
    seconds: 1,
    provenance: await teller.provenance(number),
    repositoryFile: null,
    authors: [author],
  };
  teller.say(`image.built ${number}`, 'image-builder', ImageBuilt, built, id, cause);
  teller.rows.build.push({ release: id, state: 'built', attempt: 1 });
}

/** The image in its test environment, where it is good. */
export async function test(teller: Teller, release: Release): Promise<void> {
  const { id, number } = release;
  const [deployment, image] = [anId(), imageOf(number)];
  const of = { release, environment: 'test', deployment, image };
  teller.say(`deployment.started ${number}`, 'test-deployer', DeploymentStarted, { ...of, attempt: 1, replaces: null }, id);
  teller.made.push({
    key: `test ${number}`,
    at: teller.now + 100,
    environment: 'test',
    release: id,
    attempt: 1,
    number: 1,
    image,
    epoch: 1,
  });
  teller.say(
    `deployment.succeeded ${number}`,
    'test-deployer',
    DeploymentSucceeded,
    { ...of, address: 'http://t', instances: 1, seconds: 1 },
    id,
  );
  const more = {
    projectVersion: 1,
    address: 'http://t',
    evidence: [],
    seconds: 1,
    provenance: await teller.provenance(number),
    verdict: await teller.verdict(release, deployment),
    repositoryFile: null,
    authors: [author],
  };
  teller.say(`verification.passed ${number}`, 'test-deployer', VerificationPassed, { ...of, ...more }, id);
  const kept = {
    release: { id },
    project: 'shop',
    environment: 'test',
    attempt: 1,
    startedAt: new Date(teller.now).toISOString(),
    resolved: { app: { instances: 1 } },
  };
  teller.rows.deployment.push({ id: deployment, project: 'shop', environment: 'test', release: id, state: 'passed', deployment: kept });
  teller.operations.push({ service: 'test-deployer', kind: 'deployment', key: deployment, state: 'done', epoch: 1, input: { deployment } });
}

/** Somebody asks to go back. */
export function command(teller: Teller): void {
  const command = anId();
  const action = { kind: 'environment.rollback', project: 'shop', environment: 'production', to: 1 };
  const by = { person: { id: teller.otto.id, name: teller.otto.name }, role: 'operator', reason: 'one was better' };
  const cause = teller.say(
    'command.issued',
    'gateway',
    CommandIssued,
    { command, service: 'production-rollout', action, ...by },
    'shop/production',
  );
  if (cause !== '') teller.told({ kind: 'command', action: 'rollback', about: 'shop/production' }, { command });
  teller.say('command.accepted', 'production-rollout', CommandAccepted, { command, message: 'going back' }, 'shop/production', cause);
  teller.rows.rollout.push({ asked: command, cause });
}

/** Into production, from the intent to the verdict. */
export function rollOut(
  teller: Teller,
  release: Release,
  { key, attempt, kind }: { key: string; attempt: number; kind: 'rollout' | 'rollback' },
): void {
  const { id, number } = release;
  const { asked: command, cause } = (kind === 'rollback' && teller.rows.rollout.pop()) || {};
  const [rollout, image] = [anId(), imageOf(number)];
  const of = { rollout, kind, release, environment: 'production', stage: 'production', image };
  const grant = teller.grants[kind === 'rollback' ? String(number) : key === 'back' ? 'again' : key];
  const started = teller.say(
    `rollout.started ${key}`,
    'production-rollout',
    RolloutStarted,
    { ...of, attempt, grant, replaces: null },
    id,
    cause ? String(cause) : undefined,
  );
  for (const [index, part] of [1, 2].entries())
    teller.made.push({
      key: `production ${key} ${part}`,
      at: teller.now + 100 + index,
      environment: 'production',
      release: id,
      attempt,
      number: part,
      image,
      epoch: 1,
    });
  teller.say(`rollout.started ${key} noted`, 'approval', EventNoted, { event: started, outcome: 'noted', reason: null }, id, started);
  const good = { ...of, address: 'http://p', seconds: 1 };
  const [event, data] =
    kind === 'rollout'
      ? [RolloutSucceeded, { grant, asks: digestOf({}), instances: 2, leadSeconds: 1 }]
      : [RolloutRolledBack, { from: teller.good.two, reason: { code: 'asked', message: '' }, by: teller.otto }];
  const ended = teller.say(`rollout.ended ${key}`, 'production-rollout', event as Line['event'], { ...good, ...data }, id);
  teller.say(`rollout.ended ${key} noted`, 'approval', EventNoted, { event: ended, outcome: 'noted', reason: null }, id, ended);
  teller.rows.rollout.push({
    id: rollout,
    project: 'shop',
    environment: 'production',
    release: id,
    request: teller.requests[key] ?? null,
    state: 'succeeded',
    rollout: { asked: command ? { command } : null },
  });
  teller.operations.push({ service: 'production-rollout', kind: 'rollout', key: rollout, state: 'done', epoch: 1, input: { rollout } });
  teller.now += 20_000;
}
