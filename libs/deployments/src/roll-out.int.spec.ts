import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DockerEngine } from '@slipway/docker-engine';
import { type Deployment, DockerOrchestrator } from '@slipway/orchestrators';
import { Load, SampleImages } from '@slipway/orchestrators/testing';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { evidenceOf } from './evidence.js';
import { type RolloutClaim, type RolloutOrder, type RolloutRun, rollOut } from './roll-out.js';
import type { RolloutState } from './rollout.js';
import { verify } from './verify.js';

const engine = DockerEngine.connect(realParts().dockerHost);
const policy = { deadlineMs: 30_000, onFailure: 'rollback' } as const;
const app = { port: 8080, drainMs: 1000, stableMs: 300, health: { http: '/healthz', everyMs: 300, timeoutMs: 500, graceMs: 1500 } };

describe('rolling out on a real target', () => {
  let images: SampleImages;
  let dataDir: string;
  let good: Record<'v1' | 'v2' | 'bad', { image: string; digest: string }>;
  const installation = `test-${randomUUID().slice(0, 8)}`;
  const connect = (docker = engine) => new DockerOrchestrator({ engine: docker, dataDir, installation, ports: [26_000, 26_999] });

  beforeAll(async () => {
    images = new SampleImages(engine, realParts().registry);
    dataDir = await mkdtemp(path.join(tmpdir(), 'slipway-'));
    const [v1, v2, bad] = await Promise.all([images.make('v1'), images.make('v2'), images.make('v3', 'unhealthy')]);
    good = { v1, v2, bad };
  });
  afterEach(async () => {
    for (const environment of await connect().environments())
      await connect().remove(environment, { signal: AbortSignal.timeout(30_000), epoch: 1 });
  });
  afterAll(async () => {
    await images.clean();
    await rm(dataDir, { recursive: true, force: true });
  });

  const somewhere = () => ({ project: 'shop', environment: 'production', namespace: `n${randomUUID().slice(0, 6)}` });
  const of = (environment: Deployment['environment'], version: 'v1' | 'v2' | 'bad', instances = 2): Deployment => ({
    environment,
    release: `release-${version}`,
    attempt: 1,
    ...good[version],
    instances,
    app,
  });
  const order = (goal: Deployment, given: Partial<RolloutOrder> = {}): RolloutOrder => ({
    orchestrator: connect(),
    claim: claim(),
    goal,
    policy,
    ...given,
  });

  it('takes a release to its verdict, and the next one without a failed request', async () => {
    const environment = somewhere();
    const first = await rollOut(order(of(environment, 'v1')));
    expect(first).toMatchObject({ ended: true, verdict: { outcome: 'succeeded', digest: good.v1.digest, instances: 2 } });
    const load = new Load(`${addressOf(first)}/`, { keepAlive: 2, fresh: 2 });
    const second = await rollOut(order(of(environment, 'v2'), { lastGood: of(environment, 'v1') }));
    expect(second).toMatchObject({ ended: true, verdict: { outcome: 'succeeded', digest: good.v2.digest } });
    expect((await load.stop()).failures).toEqual([]);
  });

  it('goes back from one that never gets healthy, says why, and nobody notices', async () => {
    const environment = somewhere();
    const first = await rollOut(order(of(environment, 'v1')));
    const before = await connect().observe(environment);
    const load = new Load(`${addressOf(first)}/`, { keepAlive: 2, fresh: 2 });
    const run = await rollOut(order(of(environment, 'bad'), { lastGood: of(environment, 'v1') }));
    expect(run).toMatchObject({
      ended: true,
      verdict: { outcome: 'failed', failure: { code: 'never-healthy' }, after: { now: 'restored', release: 'release-v1' } },
    });
    if (!run.ended) return;
    expect(evidenceOf(run.verdict)[0]).toMatchObject({ outcome: 'failed', message: expect.stringContaining('404') });
    const after = await connect().observe(environment);
    expect(after).toMatchObject({ digest: good.v1.digest, ready: 2, release: 'release-v1', drift: [] });
    expect(after.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
    const report = await load.stop();
    expect(report).toMatchObject({ failures: [], versions: { v1: report.requests } });
  });

  it('leaves nothing of a first release that fails', async () => {
    const environment = somewhere();
    const run = await rollOut(order(of(environment, 'bad', 1)));
    expect(run).toMatchObject({ ended: true, verdict: { outcome: 'failed', after: { now: 'removed' } } });
    expect(await connect().observe(environment)).toMatchObject({ exists: false });
  });

  it('leaves what runs alone when the image to go back to is gone', async () => {
    const environment = somewhere();
    await rollOut(order(of(environment, 'v1', 1)));
    const run = await rollOut(order(of(environment, 'bad', 1), { lastGood: { ...of(environment, 'v1', 1), ...images.missing() } }));
    expect(run).toMatchObject({ ended: true, verdict: { outcome: 'failed', after: { now: 'not-restored' } } });
    expect((await connect().observe(environment)).instances.some((one) => one.digest === good.v1.digest && one.inService)).toBe(true);
  });

  it('hands over when its claim ends, and the next one finishes from the saved state without doing anything twice', async () => {
    const environment = somewhere();
    await rollOut(order(of(environment, 'v1')));
    const stop = new AbortController();
    const saved: RolloutState[] = [];
    const started: string[] = [];
    const onProgress = (progress: { step: string; detail: string }) => {
      if (progress.step === 'start') started.push(progress.detail);
      if (progress.step === 'join') stop.abort();
    };
    const save = async (state: RolloutState) => void saved.push(state);
    const half = await rollOut(
      order(of(environment, 'v2'), { claim: claim(stop.signal), onProgress, save, lastGood: of(environment, 'v1') }),
    );
    expect(half).toMatchObject({ ended: false, reason: 'handed over' });
    const state = saved.at(-1);
    const whole = await rollOut(order(of(environment, 'v2'), { onProgress, lastGood: of(environment, 'v1'), ...(state && { state }) }));
    expect(whole).toMatchObject({ ended: true, verdict: { outcome: 'succeeded', digest: good.v2.digest } });
    expect(started).toEqual(['instance 1', 'instance 2']);
  });

  it('stays where it is while a step is not allowed, and gives the operation back', async () => {
    const environment = somewhere();
    await rollOut(order(of(environment, 'v1', 1)));
    const stop = new AbortController();
    let asked = 0;
    const mayStep = async () => {
      asked += 1;
      if (asked > 2) stop.abort();
      return { go: false, reason: 'the line is stopped' } as const;
    };
    const run = await rollOut(order(of(environment, 'v2', 1), { claim: claim(stop.signal), mayStep }));
    expect(run).toMatchObject({ ended: false });
    expect(await connect().observe(environment)).toMatchObject({ digest: good.v1.digest, ready: 1 });
  });

  it('waits for a target that does not answer, and holds that against nobody', async () => {
    const away = DockerEngine.connect('unix:///nowhere/docker.sock');
    const stop = new AbortController();
    let looks = 0;
    const mayStep = async () => {
      looks += 1;
      if (looks === 3) stop.abort();
      return { go: true } as const;
    };
    const run = await rollOut(
      order(of(somewhere(), 'v1'), {
        orchestrator: connect(away),
        claim: claim(stop.signal),
        mayStep,
        policy: { ...policy, deadlineMs: 1 },
      }),
    );
    expect(run).toMatchObject({ ended: false, state: { phase: 'applying' } });
    expect(run.state.failure).toBeUndefined();
  });

  it('verifies what runs, by asking it and by running commands beside it', async () => {
    const environment = somewhere();
    const address = addressOf(await rollOut(order(of(environment, 'v1', 1))));
    const timeout = '20s';
    const what = { environment, release: 'release-v1', attempt: 1, image: good.v1.image, address };
    const context = { orchestrator: connect(), signal: AbortSignal.timeout(60_000) };
    const passing = await verify(
      {
        ...what,
        steps: [
          { http: '/', expect: 200, contains: 'v1', timeout },
          { run: ['/esbuild', '--version'], timeout },
        ],
      },
      context,
    );
    expect(passing).toMatchObject({
      outcome: 'passed',
      evidence: [
        { check: 'http /', outcome: 'passed' },
        { check: 'run /esbuild --version', outcome: 'passed' },
      ],
    });
    const failing = await verify(
      {
        ...what,
        steps: [
          { http: '/nowhere', expect: 200, timeout },
          { http: '/', expect: 200, contains: 'v9', timeout },
          { run: ['/esbuild', '--nonsense'], timeout },
        ],
      },
      context,
    );
    expect(failing.outcome).toBe('failed');
    expect(failing.evidence.map((one) => one.message)).toEqual([
      'GET /nowhere answered 404, expected 200',
      'GET / answered 200 without "v9"',
      'ended with exit code 1',
    ]);
    expect(failing.evidence[2]?.output.join('\n')).toContain('nonsense');
    const errored = await verify(
      { ...what, steps: [{ run: ['/esbuild', '--version'], timeout }] },
      { ...context, orchestrator: connect(DockerEngine.connect('unix:///nowhere/docker.sock')) },
    );
    expect(errored).toMatchObject({ outcome: 'errored', evidence: [{ outcome: 'errored' }] });
    await eventually(
      async () =>
        (await engine.containers.list({ labels: { 'dev.slipway.role': 'one-shot', 'dev.slipway.installation': installation } })).length ===
        0,
    );
  });
});

function claim(signal: AbortSignal = AbortSignal.timeout(60_000)): RolloutClaim {
  return {
    signal,
    act: (ms, call) => call({ signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]), epoch: 1 }),
  };
}

function addressOf(run: RolloutRun): string {
  return run.ended && run.verdict.outcome === 'succeeded' ? (run.verdict.address ?? '') : '';
}
