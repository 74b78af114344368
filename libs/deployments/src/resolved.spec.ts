import { type ResolvedDeployment } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { answered, longestTickMs, unanswered } from './answered-time.js';
import { deploymentOf } from './resolved.js';

const digest = `sha256:${'a'.repeat(64)}`;
const resolved: ResolvedDeployment = {
  project: 'shop',
  environment: 'production',
  stage: 'production',
  projectVersion: 1,
  release: { id: '019302f4-7d5b-7cc3-9b6c-0d4d1a2b3c4d', number: 42, ref: 'refs/heads/main', line: 'refs/heads/main', revision: 'abc' },
  image: { repository: 'registry:5000/shop', digest },
  app: {
    port: 8080,
    instances: 4,
    cpus: 0.5,
    memory: '256Mi',
    env: { MODE: 'live' },
    secrets: [{ name: 'db-password', version: 'v7' }],
    drain: '30s',
    stable: '500ms',
    health: { http: '/healthz', every: '2s', timeout: '1s', grace: '1m' },
  },
  target: { name: 'host', version: 1, namespace: 'default', port: null },
  policy: null,
  strategy: { rolling: { surge: 2 } },
  deadline: '600s',
  onFailure: 'rollback',
};

describe('a resolved deployment', () => {
  it('becomes what targets take, unit by unit and nothing else', () => {
    expect(deploymentOf(resolved, { attempt: 3 })).toMatchObject({
      environment: { project: 'shop', environment: 'production', namespace: 'default' },
      release: resolved.release.id,
      attempt: 3,
      digest,
      image: `registry:5000/shop@${digest}`,
      instances: 4,
      app: { port: 8080, cpus: 0.5, memoryBytes: 268_435_456, env: { MODE: 'live' }, drainMs: 30_000, stableMs: 500 },
      strategy: { maxSurge: 2, maxUnavailable: 0 },
    });
    expect(deploymentOf(resolved, { attempt: 3 }).app.health).toEqual({
      http: '/healthz',
      everyMs: 2000,
      timeoutMs: 1000,
      graceMs: 60_000,
    });
  });

  it('takes a count that was set by scale, and the port of the project', () => {
    const other = { ...resolved, target: { ...resolved.target, port: 8443 } };
    expect(deploymentOf(other, { attempt: 1, instances: 7 })).toMatchObject({ instances: 7, app: { stablePort: 8443 } });
    expect(deploymentOf(resolved, { attempt: 1 }).app).not.toHaveProperty('stablePort');
  });

  it('reads the very version of a secret that was signed off, when it is used', async () => {
    const asked: string[] = [];
    const readSecret = async (name: string, version: string) => {
      asked.push(`${name} ${version}`);
      return new Uint8Array([1]);
    };
    const [secret] = deploymentOf(resolved, { attempt: 1, readSecret }).secrets ?? [];
    expect(asked).toEqual([]);
    expect(await secret?.read()).toEqual(new Uint8Array([1]));
    expect(asked).toEqual(['db-password v7']);
    await expect(deploymentOf(resolved, { attempt: 1 }).secrets?.[0]?.read()).rejects.toThrow('db-password');
  });
});

describe('answered time', () => {
  it('counts from answer to answer and skips what lies before an answer that did not come', () => {
    const one = answered({ totalMs: 0 }, 1000);
    expect(answered(one, 3500).totalMs).toBe(2500);
    expect(answered(unanswered(answered(one, 3500)), 90_000).totalMs).toBe(2500);
  });

  it('counts no more than it can have watched, and never backwards', () => {
    expect(answered(answered({ totalMs: 0 }, 0), 3_600_000).totalMs).toBe(longestTickMs);
    expect(answered(answered({ totalMs: 5 }, 100), 50).totalMs).toBe(5);
  });
});
