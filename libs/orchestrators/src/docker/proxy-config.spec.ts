import { describe, expect, it } from 'vitest';
import type { AppSettings } from '../deployment.js';
import { freeAddress } from './addresses.js';
import { configHash } from './config-hash.js';
import { instanceName, stem } from './labels.js';
import { healthPath, renderConfig } from './proxy-config.js';

const member = { name: 'one', address: '172.18.0.64', port: 8080, checked: true };

describe('the configuration of the proxy', () => {
  it('holds every member, checked at the path of the release', () => {
    const text = renderConfig({
      healthPath: '/healthz',
      healthTimeoutMs: 1000,
      healthEveryMs: 2000,
      members: [member, { ...member, name: 'two', checked: false }],
    });
    expect(text).toContain('set-var proc.health_path str(/healthz)');
    expect(text).toContain('  server one 172.18.0.64:8080 check inter 2000ms');
    expect(text).toMatch(/^ {2}server two 172\.18\.0\.64:8080$/m);
  });

  it('repeats no request that may change something', () => {
    expect(renderConfig({ healthPath: undefined, healthTimeoutMs: 1000, healthEveryMs: 2000, members: [] })).toContain(
      'disable-l7-retry unless METH_GET',
    );
  });

  it('takes the paths people use and no other', () => {
    for (const path of ['/', '/healthz', '/a/b-c_d.e~f', '/up?full=1&x=%20']) expect(path).toMatch(healthPath);
    for (const path of ['', 'healthz', '/a b', '/a\nb', '/a;b', '/a)', '/a"', "/a'", '/a\\', '/$x', '/a,b', '/ä'])
      expect(path).not.toMatch(healthPath);
  });
});

describe('names and addresses', () => {
  it('are the same for the same deployment and differ for another attempt, release, digest or configuration', () => {
    const deployment = {
      environment: { project: 'a', environment: 'b' },
      release: 'r',
      attempt: 1,
      digest: 'd',
      image: 'i',
      instances: 1,
      app: { port: 1, drainMs: 0, stableMs: 0 },
    };
    const names = [deployment, { ...deployment, attempt: 2 }, { ...deployment, release: 's' }, { ...deployment, digest: 'e' }].map((one) =>
      instanceName(one, 'c', 1),
    );
    expect(new Set([...names, instanceName(deployment, 'x', 1), instanceName(deployment, 'c', 2)]).size).toBe(6);
    expect(instanceName(deployment, 'c', 1)).toBe(names[0]);
  });

  it('never give two environments one name', () => {
    expect(stem({ project: 'a-b', environment: 'c' })).not.toBe(stem({ project: 'a', environment: 'b-c' }));
  });

  it('are taken from the range of their kind until it is full', () => {
    expect(freeAddress('172.18.0.0/16', 'instance', new Set())).toBe('172.18.0.64');
    expect(freeAddress('172.18.0.0/16', 'instance', new Set(['172.18.0.64', '172.18.0.65']))).toBe('172.18.0.66');
    expect(freeAddress('192.168.16.0/20', 'instance', new Set(Array.from({ length: 192 }, (_, index) => `192.168.16.${index + 64}`)))).toBe(
      '192.168.17.0',
    );
    expect(freeAddress('10.0.0.0/28', 'instance', new Set())).toBeUndefined();
  });
});

describe('the configuration hash', () => {
  const app: AppSettings = { port: 8080, drainMs: 1, stableMs: 1, env: { A: '1', B: '2' } };

  it('does not depend on the order of keys, nor on windows and counts', () => {
    expect(configHash({ app: { ...app, env: { B: '2', A: '1' } } })).toBe(
      configHash({ app: { ...app, drainMs: 5, stableMs: 5 } as AppSettings }),
    );
  });

  it('changes with everything an instance is made with', () => {
    const health = { http: '/h', everyMs: 1, timeoutMs: 1, graceMs: 1 };
    const all = [
      app,
      { ...app, port: 1 },
      { ...app, cpus: 1 },
      { ...app, memoryBytes: 1 },
      { ...app, env: { A: '1' } },
      { ...app, command: ['x'] },
      { ...app, health },
    ];
    const hashes = [
      ...all.map((one) => configHash({ app: one })),
      configHash({ app, secrets: [{ name: 's', version: '1' }] }),
      configHash({ app, secrets: [{ name: 's', version: '2' }] }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
