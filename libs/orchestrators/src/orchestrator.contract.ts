import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Applied } from './observed.js';
import { acting, settled, stoppedAfter, until } from './testing/driving.js';
import { Load } from './testing/load.js';
import { app, type OrchestratorUnderTest, underTest } from './testing/under-test.js';

/** How every driver takes an environment from release to release; run it against the real target. */
export function orchestratorContract(name: string, make: () => Promise<OrchestratorUnderTest>): void {
  describe(`${name} as an orchestrator`, () => {
    const { target, good, somewhere, of } = underTest(make);

    it('runs a deployment from nothing and says where', async () => {
      const orchestrator = target().connect();
      const applied = await settled(orchestrator, of(somewhere(), 'v1'));
      expect(applied).toMatchObject({
        progress: 'converged',
        exists: true,
        digest: good('v1').digest,
        release: 'release-v1',
        wanted: 2,
        ready: 2,
        drift: [],
      });
      expect(await (await fetch(`${applied.address}/`)).text()).toBe('v1');
    });

    it('restarts nothing when the same deployment is applied again, or another release with the same digest and configuration', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const again = await settled(orchestrator, of(environment, 'v1'));
      expect(again.version).toBe(before.version);
      const renamed = await settled(orchestrator, { ...of(environment, 'v1'), release: 'release-tagged', attempt: 2 });
      expect(renamed).toMatchObject({ progress: 'converged', version: before.version, release: 'release-tagged' });
    });

    it('replaces a release without a failed request, with and without keep-alive', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const load = new Load(`${before.address}/`, { keepAlive: 4, fresh: 4 });
      await eventually(() => load.requests > 200);
      const after = await settled(orchestrator, of(environment, 'v2'));
      const answered = load.requests;
      await eventually(() => load.requests > answered + 200);
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(Object.keys(report.versions).sort()).toEqual(['v1', 'v2']);
      expect(after).toMatchObject({ progress: 'converged', digest: good('v2').digest, address: before.address, ready: 2 });
      expect(await (await fetch(`${after.address}/`)).text()).toBe('v2');
    });

    it('replaces a release by one that wants fewer instances, without a failed request', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const load = new Load(`${before.address}/`, { keepAlive: 2, fresh: 2 });
      const after = await settled(orchestrator, of(environment, 'v2', 1));
      expect(after).toMatchObject({ progress: 'converged', digest: good('v2').digest, wanted: 1, ready: 1 });
      expect(after.instances).toHaveLength(1);
      expect((await load.stop()).failures).toEqual([]);
    });

    it('replaces instances when only the configuration differs', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1', 1));
      const after = await settled(orchestrator, {
        ...of(environment, 'v1', 1),
        release: 'release-configured',
        app: { ...app, env: { MODE: 'other' } },
      });
      expect(after.configHash).not.toBe(before.configHash);
      expect(after.instances.map((one) => one.id)).not.toEqual(before.instances.map((one) => one.id));
    });

    it('scales up and down without a failed request and keeps those that run', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const load = new Load(`${before.address}/`, { keepAlive: 2, fresh: 2 });
      const more = await until(() => orchestrator.scale(environment, 4, acting()));
      expect(more).toMatchObject({ progress: 'converged', wanted: 4, ready: 4 });
      expect(more.instances.map((one) => one.id)).toEqual(expect.arrayContaining(before.instances.map((one) => one.id)));
      const fewer = await until(() => orchestrator.scale(environment, 2, acting()));
      expect(fewer).toMatchObject({ progress: 'converged', wanted: 2, ready: 2 });
      expect(fewer.instances).toHaveLength(2);
      expect((await load.stop()).failures).toEqual([]);
    });

    it('keeps the old release serving while the new one never gets healthy', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const load = new Load(`${before.address}/`, { keepAlive: 1, fresh: 1 });
      const bad = { ...of(environment, 'v1'), release: 'release-bad', ...(await target().image('bad', 'unhealthy')) };
      const stuck = await eventually(async () => {
        const applied = await orchestrator.apply(bad, acting());
        return applied.instances.some((one) => one.digest === bad.digest && one.failures >= 3) && applied;
      });
      expect(stuck).toMatchObject({ progress: 'moving', ready: 2 });
      const [sick] = await orchestrator.evidence(
        environment,
        stuck.instances.filter((one) => one.digest === bad.digest).map((one) => one.name),
      );
      expect(sick?.probes.at(-1)).toMatchObject({ ok: false, status: 404 });
      const back = await settled(orchestrator, of(environment, 'v1'));
      expect(back.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
      const report = await load.stop();
      expect(report).toMatchObject({ failures: [], versions: { v1: report.requests } });
    });

    it('shows an image that crashes as such, with its last words', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const bad = { ...of(environment, 'v1', 1), ...(await target().image('bad', 'crashing')) };
      const crashed = await eventually(async () => {
        const applied = await orchestrator.apply(bad, acting());
        return applied.instances.some((one) => one.restarts >= 2) && applied;
      });
      expect(crashed.ready).toBe(0);
      // Between two tries it runs for a moment, and has no exit code then.
      const seen = await eventually(async () => {
        const [one] = await orchestrator.evidence(environment);
        return one?.exitCode !== undefined && one;
      });
      expect(seen.exitCode).toBe(1);
      expect(seen.log.join('\n')).toContain('no-such-option');
    });

    it('refuses an image that is not there and one that cannot be started, and says why', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const missing = await orchestrator.apply({ ...of(environment, 'v1'), ...target().missingImage() }, acting());
      expect(missing).toMatchObject({ progress: 'refused', refusal: { kind: 'image-not-found' } });
      const tagged = await orchestrator.apply({ ...of(environment, 'v1'), image: 'localhost:5000/app:latest' }, acting());
      expect(tagged).toMatchObject({ progress: 'refused', refusal: { kind: 'image-mismatch' } });
      const broken = await orchestrator.apply({ ...of(environment, 'v1', 1), ...(await target().image('bad', 'not-startable')) }, acting());
      expect(broken).toMatchObject({ progress: 'refused', refusal: { kind: 'invalid', reason: expect.stringContaining('no-such-file') } });
    });

    it('goes on where another process stopped, at whatever step', async () => {
      const environment = somewhere();
      const before = await settled(target().connect(), of(environment, 'v1'));
      const load = new Load(`${before.address}/`, { keepAlive: 2, fresh: 2 });
      let applied: Applied | undefined;
      for (let stopAt = 1; applied?.progress !== 'converged'; stopAt++) {
        applied = await stoppedAfter(target().connect(), of(environment, 'v2'), stopAt);
        expect(stopAt).toBeLessThan(60);
      }
      expect(applied).toMatchObject({ digest: good('v2').digest, ready: 2, drift: [] });
      expect(applied.instances).toHaveLength(2);
      expect((await load.stop()).failures).toEqual([]);
    });

    it('brings an instance back that was killed, and reports it missing until then', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const before = await settled(orchestrator, of(environment, 'v1'));
      const watched = new AbortController();
      const seen: number[] = [];
      const watching = (async () => {
        for await (const observed of orchestrator.watch(environment, watched.signal)) seen.push(observed.ready);
      })();
      await eventually(() => seen.includes(2));
      await target().crash(before.instances[0]?.name ?? '');
      await eventually(() => seen.includes(1));
      expect((await orchestrator.observe(environment)).drift).not.toEqual([]);
      const healed = await settled(orchestrator, of(environment, 'v1'));
      expect(healed).toMatchObject({ ready: 2, drift: [] });
      await eventually(() => seen.at(-1) === 2);
      watched.abort();
      await watching;
    });
  });
}
