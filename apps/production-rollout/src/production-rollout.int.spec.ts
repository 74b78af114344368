import { randomUUID } from 'node:crypto';
import {
  ApprovalGranted,
  ApprovalSuperseded,
  ApprovalVoided,
  CommandAccepted,
  type CommandAction,
  CommandIssued,
  CommandRefused,
  type DsseEnvelope,
  EnvironmentDrifted,
  EnvironmentRecovered,
  EnvironmentScaled,
  type GrantStatement,
  grantPayloadType,
  ProjectApplied,
  type Release,
  type ResolvedDeployment,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  TargetApplied,
} from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { canonicalJson, digestOf, payloadTypes, type Signer } from '@slipway/identity';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { Load, SampleImages } from '@slipway/orchestrators/testing';
import { resolveDeployment } from '@slipway/release';
import { anId, aProjectFile, aRelease, aTargetFile, eventually, realParts } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProductionRolloutModule } from './production-rollout.module.js';

const engine = DockerEngine.connect(realParts().dockerHost);
const installation = `test-${randomUUID().slice(0, 8)}`;
const operator = { id: anId(), name: 'Otto' };
const app = { instances: 2, drain: '1s', stable: '300ms', health: { http: '/healthz', every: '300ms', timeout: '500ms', grace: '1500ms' } };
const target = aTargetFile({ spec: { docker: { ports: '27000-27999' } } });

let stage: Stage;
let images: SampleImages;
let built: Record<'one' | 'two' | 'sick', { image: string; digest: string }>;
let project = '';

beforeAll(async () => {
  stage = await aStage();
  images = new SampleImages(engine, realParts().registry);
  built = { one: await images.make('one'), two: await images.make('two'), sick: await images.make('three', 'unhealthy') };
  // Stands in for the one view of approval that production-rollout may read.
  await stage.database.query('create schema slipway_approval');
  await stage.database.query('create table slipway_approval.grants_good_now (grant_id uuid primary key, request uuid, asks text)');
  for (let replica = 0; replica < 2; replica++) await stage.start(ProductionRolloutModule, { SLIPWAY_INSTALLATION: installation });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: target, by: operator } });
});
afterAll(async () => {
  const orchestrator = new DockerOrchestrator({ engine, dataDir: `${stage.keys.dir}/targets/lab`, installation });
  await stage.clear();
  for (const environment of await orchestrator.environments())
    await orchestrator.remove(environment, { signal: AbortSignal.timeout(30_000), epoch: 1 });
  await images.clean();
});

/** A project of its own for each test, so that one environment is one story. */
async function aProject(name: string): Promise<void> {
  project = name;
  const file = aProjectFile({ name, spec: { app } });
  await stage.say('gateway', ProjectApplied, { subject: name, data: { project: name, version: 1, file, by: operator, reason: '' } });
}

function deploymentOf(release: Release, { image, digest }: { image: string; digest: string }): ResolvedDeployment {
  const [repository = ''] = image.split('@');
  const file = aProjectFile({ name: release.project, spec: { app } });
  const resolved = resolveDeployment({
    project: { version: 1, file },
    environment: 'production',
    release,
    image: { repository, digest },
    repositoryFile: null,
    target: { version: 1, file: target },
    secretVersions: {},
  });
  if (!resolved.ok) throw new Error(resolved.reason.message);
  return resolved.deployment;
}

function envelope(signer: Signer, payloadType: string, payload: unknown): DsseEnvelope {
  const bytes = Buffer.from(canonicalJson(payload));
  return {
    payloadType,
    payload: bytes.toString('base64'),
    signatures: [signer.sign(payloadType, bytes) as { keyid: string; sig: string }],
  };
}

interface Granting {
  readonly by?: Signer;
  readonly good?: boolean;
  readonly provenanceOf?: string;
}

async function grant(
  number: number,
  version: keyof typeof built,
  { by = stage.keys.keys.approval.signer, good = true, provenanceOf = built[version].digest }: Granting = {},
) {
  const release = aRelease({ project, number });
  const deployment = deploymentOf(release, built[version]);
  const statement: GrantStatement = {
    grant: v7(),
    request: v7(),
    deployment,
    asks: digestOf(deployment),
    issuedAt: new Date().toISOString(),
    notAfter: new Date(Date.now() + 3_600_000).toISOString(),
    signOffs: [],
  };
  const provenance = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256: provenanceOf.slice(7) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
  };
  if (good)
    await stage.database.query('insert into slipway_approval.grants_good_now values ($1, $2, $3)', [
      statement.grant,
      statement.request,
      statement.asks,
    ]);
  await stage.say('approval', ApprovalGranted, {
    subject: release.id,
    data: {
      request: statement.request,
      release,
      environment: 'production',
      asks: statement.asks,
      grant: envelope(by, grantPayloadType, statement),
      provenance: envelope(stage.keys.keys['image-builder'].signer, payloadTypes.provenance, provenance),
      byPolicy: false,
      reissued: false,
      authors: [],
      signOffs: [],
    },
  });
  return { release, statement };
}

async function live(number: number, version: keyof typeof built) {
  const { release } = await grant(number, version);
  return stage.hears(RolloutSucceeded, (data) => data.release.id === release.id, 40_000);
}

async function command(action: CommandAction): Promise<string> {
  const id = v7();
  await stage.say('gateway', CommandIssued, {
    subject: `${project}/production`,
    data: { command: id, service: 'production-rollout', action, person: operator, role: 'operator', reason: 'because' },
  });
  return id;
}

const here = () => ({ project, environment: 'production' });

async function containers(): Promise<string[]> {
  const all = await engine.containers.list({ labels: { 'dev.slipway.project': project } });
  return all.filter((one) => one.status === 'running' && !one.name.endsWith('proxy')).map((one) => one.name);
}

describe('production-rollout', () => {
  it('brings what was granted in, by its digest, and the next one without a failed request', async () => {
    await aProject('steady');
    const first = await live(1, 'one');
    expect(first).toMatchObject({ image: { digest: built.one.digest }, instances: 2 });
    const load = new Load(`${first.address}/`, { keepAlive: 2, fresh: 2 });
    const second = await live(2, 'two');
    expect(second.address).toBe(first.address);
    expect((await load.stop()).failures).toEqual([]);
    expect(await (await fetch(first.address)).text()).toContain('two');
  });

  it('goes back from a release that never gets healthy, and bars it', async () => {
    await aProject('falls');
    const first = await live(1, 'one');
    const { release } = await grant(2, 'sick');
    expect(await stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000)).toMatchObject({
      next: 'rollback',
      reason: { code: 'never-healthy' },
    });
    expect(await stage.hears(RolloutRolledBack, (data) => data.from?.id === release.id)).toMatchObject({
      release: { number: 1 },
      by: null,
    });
    expect(await (await fetch(first.address)).text()).toContain('one');
  });

  it('scales, heals what dies, and goes back when a person asks', async () => {
    await aProject('lively');
    const first = await live(1, 'one');
    await live(4, 'two');
    await command({ kind: 'environment.scale', ...here(), instances: 3 });
    await stage.hears(EnvironmentScaled, (data) => data.project === project && data.to === 3, 40_000);
    const before = await containers();
    expect(before).toHaveLength(3);
    await engine.containers.kill(before[0] as string);
    await stage.hears(EnvironmentDrifted, (data) => data.project === project, 30_000);
    await stage.hears(EnvironmentRecovered, (data) => data.project === project, 30_000);
    await eventually(async () => (await containers()).length === 3);
    const back = await command({ kind: 'environment.rollback', ...here(), to: null });
    await stage.hears(CommandAccepted, (data) => data.command === back);
    expect(await stage.hears(RolloutRolledBack, (data) => data.release.project === project, 60_000)).toMatchObject({
      release: { number: 1 },
      from: { number: 4 },
      by: operator,
    });
    expect(await (await fetch(first.address)).text()).toContain('one');
    expect(await containers()).toHaveLength(3);
  });

  it('begins nothing by a forged grant, an unproven image or a grant that is not good now', async () => {
    await aProject('careful');
    const forged = await grant(1, 'one', { by: stage.keys.keys.notifier.signer });
    const unproven = await grant(2, 'one', { provenanceOf: built.two.digest });
    expect(await stage.hears(RolloutAborted, (data) => data.release.id === unproven.release.id)).toMatchObject({
      reason: { code: 'provenance-not-good' },
    });
    const notGood = await grant(3, 'one', { good: false });
    await eventually(
      async () =>
        (
          await stage.database.query(`select 1 from slipway_production_rollout.rollout where request = $1 and state = 'waiting'`, [
            notGood.statement.request,
          ])
        ).length === 1,
    );
    await stage.say('approval', ApprovalVoided, {
      subject: notGood.release.id,
      data: {
        request: notGood.statement.request,
        release: notGood.release,
        environment: 'production',
        reason: { code: 'changed', message: 'app.env' },
        changed: [],
      },
    });
    await stage.hears(RolloutAborted, (data) => data.release.id === notGood.release.id);
    expect(stage.heard.filter((event) => event.name === RolloutStarted.name && event.subject === forged.release.id)).toEqual([]);
    expect(await stage.database.query('select reason from slipway_production_rollout.dead_letter')).toHaveLength(1);
    expect(await containers()).toEqual([]);
  });

  it('cancels what waits, and says what to do instead about what ended', async () => {
    await aProject('patient');
    const { release, statement } = await grant(1, 'one', { good: false });
    await eventually(
      async () =>
        (
          await stage.database.query(`select 1 from slipway_production_rollout.rollout where request = $1 and state = 'waiting'`, [
            statement.request,
          ])
        ).length === 1,
    );
    const cancelled = await command({ kind: 'release.cancel', release: release.id });
    await stage.hears(CommandAccepted, (data) => data.command === cancelled);
    expect(await stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({ reason: { code: 'cancelled' } });
    const again = await command({ kind: 'release.retry', release: release.id });
    expect(await stage.hears(CommandRefused, (data) => data.command === again)).toMatchObject({ reason: { code: 'needs-sign-off' } });
  });

  it('never goes backwards by itself', async () => {
    await aProject('forward');
    await live(5, 'two');
    const { release } = await grant(4, 'one');
    expect(await stage.hears(RolloutAborted, (data) => data.release.id === release.id)).toMatchObject({ reason: { code: 'older' } });
  });

  it('goes back to what was good before the rollout under way, and not one further', async () => {
    await aProject('hasty');
    await live(1, 'one');
    const second = await live(2, 'two');
    const { release } = await grant(3, 'sick');
    await stage.hears(RolloutStarted, (data) => data.release.id === release.id);
    const back = await command({ kind: 'environment.rollback', ...here(), to: null });
    await stage.hears(RolloutFailed, (data) => data.release.id === release.id, 60_000);
    await stage.hears(CommandAccepted, (data) => data.command === back, 60_000);
    expect(await stage.hears(RolloutRolledBack, (data) => data.release.project === project && data.by !== null, 60_000)).toMatchObject({
      release: { number: 2 },
      from: null,
    });
    expect(await (await fetch(second.address)).text()).toContain('two');
  });

  it('ends a waiting rollout whose grant is superseded, though the newer one never comes', async () => {
    await aProject('overtaken');
    const { release, statement } = await grant(1, 'one', { good: false });
    const data = { request: statement.request, release, environment: 'production', by: aRelease({ project, number: 2 }) };
    await stage.say('approval', ApprovalSuperseded, { subject: release.id, data });
    expect(await stage.hears(RolloutAborted, (aborted) => aborted.release.id === release.id)).toMatchObject({
      request: statement.request,
      supersededBy: 2,
    });
  });

  it('refuses a rollback where nothing was good before, and says what there is', async () => {
    await aProject('young');
    await live(1, 'one');
    const asked = await command({ kind: 'environment.rollback', ...here(), to: null });
    expect(await stage.hears(CommandRefused, (data) => data.command === asked)).toMatchObject({
      reason: { code: 'nothing-to-go-back-to' },
    });
  });
});
