import { describe, expect, it } from 'vitest';
import { acting, settled } from './testing/driving.js';
import { app, health, type OrchestratorUnderTest, underTest } from './testing/under-test.js';

/** What every driver gives an environment besides its instances, and that it takes all of it away; run it against the real target. */
export function surroundingsContract(name: string, make: () => Promise<OrchestratorUnderTest>): void {
  describe(`the surroundings on ${name}`, () => {
    const { target, good, somewhere, of } = underTest(make);

    it('mounts secrets as files and shows their values nowhere', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      const secret = { name: 'db-password', version: 'v1', read: async () => new TextEncoder().encode('s3cret-value') };
      const served = {
        ...app,
        command: ['--servedir=/run/secrets', '--serve=0.0.0.0:8080', '--watch=forever'],
        health: { ...health, http: '/db-password' },
      };
      const applied = await settled(orchestrator, { ...of(environment, 'v1', 1), app: served, secrets: [secret] });
      expect(await (await fetch(`${applied.address}/db-password`)).text()).toBe('s3cret-value');
      expect(JSON.stringify(applied)).not.toContain('s3cret-value');
    });

    it('runs a throw-away container that can reach the environment, and leaves nothing of it', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      await settled(orchestrator, of(environment, 'v1', 1));
      const said: string[] = [];
      const shot = {
        environment,
        name: 'check-1',
        release: 'release-v1',
        image: good('v1').image,
        signal: AbortSignal.timeout(20_000),
        onLog: (text: string) => said.push(text),
      };
      const version = await orchestrator.runOnce({
        ...shot,
        command: ['/esbuild', '--version'],
        limits: { timeMs: 10_000 },
        files: ['/site/index.html', '/nowhere'],
      });
      expect(version).toMatchObject({ exitCode: 0, timedOut: false });
      expect(version.log.join('')).toMatch(/^\d+\.\d+/);
      expect(said.join('')).toMatch(/^\d+\.\d+/);
      expect(Object.keys(version.files)).toEqual(['/site/index.html']);
      const failing = await orchestrator.runOnce({ ...shot, command: ['/esbuild', '--nonsense'], limits: { timeMs: 10_000 } });
      expect(failing.exitCode).toBe(1);
      const endless = await orchestrator.runOnce({
        ...shot,
        command: ['/esbuild', '--serve=0.0.0.0:1', '--watch=forever'],
        limits: { timeMs: 500 },
      });
      expect(endless).toMatchObject({ timedOut: true });
      expect(endless).not.toHaveProperty('exitCode');
      const absent = await orchestrator.runOnce({ ...shot, command: ['/no-such-file'], limits: { timeMs: 500 } });
      expect(absent.refused).toContain('no-such-file');
      expect((await orchestrator.observe(environment)).instances).toHaveLength(1);
    });

    it('leaves nothing behind when an environment is removed, twice', async () => {
      const orchestrator = target().connect();
      const environment = somewhere();
      await settled(orchestrator, of(environment, 'v1'));
      expect(await orchestrator.environments()).toContainEqual(environment);
      expect(await orchestrator.remove(environment, acting())).toBe(true);
      expect(await target().leftovers(environment, [good('v1').image])).toEqual([]);
      expect(await orchestrator.remove(environment, acting())).toBe(true);
      expect(await orchestrator.observe(environment)).toMatchObject({ exists: false, instances: [], ready: 0 });
      expect(await orchestrator.environments()).not.toContainEqual(environment);
    });
  });
}
