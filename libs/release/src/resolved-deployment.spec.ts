import { createHash } from 'node:crypto';
import { ProjectFile, type Release, RepositoryFile, type ResolvedDeployment, TargetFile } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedParts } from './changed-parts.js';
import { asksOf, canonicalForm, type Resolving, resolveDeployment } from './resolved-deployment.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const release: Release = {
  id: '01939f00-0000-7000-8000-000000000042',
  project: 'shop',
  number: 42,
  kind: 'commit',
  ref: 'refs/heads/main',
  line: 'main',
  revision: 'a'.repeat(40),
  ancestorOf: [],
  committedAt: '2026-11-23T05:00:00Z',
};

interface Given {
  app?: object;
  production?: object;
  repository?: object | null;
  secretVersions?: Record<string, string | null>;
  version?: number;
  target?: object;
}

function given({
  app = {},
  production = {},
  repository = null,
  secretVersions = { 'db-password': 'k1' },
  version = 3,
  target = {},
}: Given = {}): Resolving {
  const file = ProjectFile.parse({
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name: 'shop' },
    spec: {
      source: { git: { url: 'https://git.example/shop' } },
      image: { repository: 'localhost:5000/shop' },
      app: { env: { LOG: 'info', REGION: 'eu' }, secrets: ['db-password'], stable: '10s', ...app },
      environments: [
        { name: 'test', stage: 'test', target: 'lab' },
        {
          name: 'production',
          stage: 'production',
          target: 'lab',
          after: ['test'],
          approval: { require: [{ role: 'operator' }] },
          ...production,
        },
      ],
    },
  });
  return {
    project: { version, file },
    environment: 'production',
    release,
    image: { repository: 'localhost:5000/shop', digest: `sha256:${'b'.repeat(64)}` },
    repositoryFile: repository && RepositoryFile.parse({ apiVersion: 'slipway.dev/v1', kind: 'Repository', app: repository }),
    target: {
      version: 1,
      file: TargetFile.parse({ apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'lab' }, spec: { docker: {}, ...target } }),
    },
    secretVersions,
  };
}

function resolved(change: Given = {}): ResolvedDeployment {
  const result = resolveDeployment(given(change));
  if (!result.ok) throw new Error(result.reason.message);
  return result.deployment;
}
const reasonOf = (of: Resolving) => {
  const result = resolveDeployment(of);
  return result.ok ? undefined : result.reason.code;
};

describe('a resolved deployment', () => {
  it('is complete: defaults filled, secrets by version, policy and place in it', () => {
    expect(resolved()).toMatchObject({
      project: 'shop',
      environment: 'production',
      projectVersion: 3,
      app: { port: 8080, instances: 1, memory: '256Mi', secrets: [{ name: 'db-password', version: 'k1' }], health: { http: '/' } },
      target: { name: 'lab', version: 1, namespace: 'default', port: null, docker: { address: '127.0.0.1', ports: '20000-20999' } },
      policy: { require: [{ role: 'operator', count: 1 }], distinct: true },
      strategy: { rolling: { surge: 1 } },
      deadline: '600s',
      onFailure: 'rollback',
    });
  });

  it('takes the project, then what the repository adds, then what the environment overrides', () => {
    const { app } = resolved({
      production: { app: { instances: 4, env: { REGION: 'cn' }, health: { grace: '60s' } } },
      repository: { port: 3000, env: { LOG: 'debug', FEATURE: 'on' }, health: { http: '/healthz' } },
    });
    expect(app).toMatchObject({ port: 3000, instances: 4, health: { http: '/healthz', grace: '60s', every: '2s' } });
    // LOG is the project's: the repository may add names, not change what administrators set.
    expect(app.env).toEqual({ LOG: 'info', REGION: 'cn', FEATURE: 'on' });
  });

  it('lets the repository lengthen the time it must be stable, never shorten it', () => {
    expect(resolved({ repository: { stable: '1s' } }).app.stable).toBe('10s');
    expect(resolved({ repository: { stable: '2m' } }).app.stable).toBe('2m');
    expect(resolved({ repository: { stable: '2m' }, production: { app: { stable: '3s' } } }).app.stable).toBe('3s');
  });

  it('refuses a secret the project file does not list, one without a value, and a place that is gone', () => {
    expect(
      reasonOf(given({ repository: { secrets: ['root-password'] }, secretVersions: { 'db-password': 'k1', 'root-password': 'k2' } })),
    ).toBe('secret-not-listed');
    expect(reasonOf(given({ secretVersions: {} }))).toBe('secret-missing');
    expect(reasonOf(given({ secretVersions: { 'db-password': null } }))).toBe('secret-missing');
    expect(reasonOf({ ...given(), environment: 'staging' })).toBe('environment-unknown');
    expect(reasonOf(given({ production: { target: 'elsewhere' } }))).toBe('target-mismatch');
    expect(resolved({ repository: { secrets: ['db-password'] } }).app.secrets).toHaveLength(1);
  });

  it('of a test environment has no policy', () => {
    const result = resolveDeployment({ ...given(), environment: 'test' });
    expect(result).toMatchObject({ ok: true, deployment: { stage: 'test', policy: null, onFailure: 'hold' } });
  });

  it('has one canonical form, whatever the order its parts were written in', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Z]{1,4}$/), { maxLength: 6 });
    fc.assert(
      fc.property(names, fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }), (env, secrets) => {
        const versions = Object.fromEntries(secrets.map((name) => [name, `k-${name}`]));
        const written = (order: <T>(items: T[]) => T[]) =>
          resolved({
            app: { env: Object.fromEntries(order(env.map((name) => [name, name]))), secrets: order([...secrets]) },
            secretVersions: versions,
          });
        const [one, other] = [written((items) => items), written((items) => [...items].reverse())];
        expect(canonicalForm(other)).toBe(canonicalForm(one));
        expect(asksOf(other, sha256)).toBe(asksOf(one, sha256));
        expect(changedParts(one, other)).toEqual([]);
      }),
    );
  });
});

describe('what voids a grant', () => {
  const texts = (change: Given) => changedParts(resolved(), resolved(change)).map(({ text }) => text.en);

  it.each([
    [{ production: { app: { instances: 4 } } }, 'app.instances changed from 1 to 4'],
    [{ app: { env: { LOG: 'debug', REGION: 'eu' }, secrets: ['db-password'], stable: '10s' } }, 'app.env.LOG changed from info to debug'],
    [{ app: { env: { LOG: 'info' } } }, 'app.env.REGION was removed, it was eu'],
    [{ secretVersions: { 'db-password': 'k2' } }, 'secret db-password has a new value'],
    [
      { production: { approval: { require: [{ role: 'operator', count: 2 }] } } },
      'policy.require changed from [{"count":1,"role":"operator"}] to [{"count":2,"role":"operator"}]',
    ],
    [{ target: { namespace: 'other' } }, 'target.namespace changed from default to other'],
    [{ target: { docker: { address: '0.0.0.0' } } }, 'target.docker.address changed from 127.0.0.1 to 0.0.0.0'],
    [{ target: { docker: { host: 'tcp://10.0.0.7:2376' } } }, 'target.docker.host was added: tcp://10.0.0.7:2376'],
    [{ production: { 'on-failure': 'hold' } }, 'on-failure changed from rollback to hold'],
    [{ repository: { env: { FEATURE: 'on' } } }, 'app.env.FEATURE was added: on'],
  ])('%j: %s', (change, text) => {
    expect(texts(change)).toContain(text);
  });

  it('is not a new version of the project file that changes nothing here', () => {
    expect(texts({ version: 4 })).toEqual([]);
  });

  it('never shows the version of a secret', () => {
    expect(JSON.stringify(changedParts(resolved(), resolved({ secretVersions: { 'db-password': 'tell-nobody' } })))).not.toContain(
      'tell-nobody',
    );
  });

  it('is every difference of the canonical form but that version', () => {
    const digest = fc.constantFrom('1', '2').map((digit) => `sha256:${digit.repeat(64)}`);
    const arbitrary = fc.record({
      instances: fc.nat(2),
      env: fc.constantFrom<Record<string, string>>({}, { A: '1' }, { A: '2' }),
      version: fc.integer({ min: 1, max: 2 }),
      digest,
      deadline: fc.constantFrom('10m', '600s'),
    });
    const build = ({
      instances,
      env,
      version,
      digest: image,
      deadline,
    }: {
      instances: number;
      env: Record<string, string>;
      version: number;
      digest: string;
      deadline: string;
    }) => {
      const base = resolved({ production: { app: { instances, env }, deadline }, version });
      return { ...base, image: { ...base.image, digest: image } };
    };
    fc.assert(
      fc.property(arbitrary, arbitrary, (one, other) => {
        const [a, b] = [build(one), build(other)];
        const same = canonicalForm({ ...a, projectVersion: 1 }) === canonicalForm({ ...b, projectVersion: 1 });
        expect(changedParts(a, b).length === 0).toBe(same);
      }),
    );
  });
});
