import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readDocuments } from './documents.js';

/** Every key that the design names for a project file (part 5), with a value it would be given, at the field it would stand. */
const takenOfProject: [string, unknown][] = [
  ['metadata.team', 'commerce'],
  ['spec.source.git.branches', ['main']],
  ['spec.source.git.tags', ['v*']],
  ['spec.source.git.paths', ['shop/**']],
  ['spec.source.git.poll', '60s'],
  ['spec.source.git.webhook', 'gitea'],
  ['spec.build.docker', { context: '.', dockerfile: 'Dockerfile', target: 'run', args: { VERSION: '1' } }],
  ['spec.build.supersede', 'queued'],
  ['spec.app.port', 8080],
  ['spec.app.instances', 2],
  ['spec.app.cpus', 0.5],
  ['spec.app.memory', '256Mi'],
  ['spec.app.env', { LOG: 'info' }],
  ['spec.app.secrets', ['db-password']],
  ['spec.app.drain', '30s'],
  ['spec.app.stable', '10s'],
  ['spec.app.health', { http: '/healthz', every: '2s', timeout: '1s', grace: '30s' }],
  ['spec.environments[0].ephemeral', false],
  ['spec.environments[0].occupancy', 'newest'],
  ['spec.environments[0].verify', [{ http: '/', expect: 200 }, { run: ['./smoke.sh'] }]],
  ['spec.environments[1].accepts', { branches: ['main'], tags: ['v*'] }],
  [
    'spec.environments[1].approval',
    { require: [{ role: 'tester', count: 1 }], expires: '7d', soak: '10m', supersede: 'on-grant', distinct: false, proof: 'key' },
  ],
  ['spec.environments[1].app', { instances: 4 }],
  ['spec.environments[1].deadline', '600s'],
  ['spec.environments[1].on-failure', 'rollback'],
];

/** Those that nothing is built for yet. */
const laterInProject: [string, unknown][] = [
  ['spec.source.image', { repository: 'registry:5000/shop' }],
  ['spec.build.jenkins', { url: 'https://ci.example' }],
  ['spec.build.hudson', { url: 'https://ci.example' }],
  ['spec.gates', [{ sonarqube: { url: 'https://sonar.example', project: 'shop' } }]],
  ['spec.apps', { web: { port: 8080 }, worker: {} }],
  ['spec.environments[0].ephemeral', true],
  ['spec.environments[0].approval', { require: [{ role: 'tester', count: 1 }] }],
  ['spec.environments[0].before', [{ run: ['./migrate'] }]],
  ['spec.environments[0].jobs', [{ name: 'report', schedule: '0 2 * * *', timezone: 'Asia/Shanghai', command: ['./report'] }]],
  ['spec.environments[1].approval.freeze', [{ cron: '0 0 * * 6', for: '48h', timezone: 'Asia/Shanghai' }]],
  [
    'spec.environments[1].strategy.canary',
    { steps: [10, 50, 100], every: '60s', analysis: [{ prometheus: 'http://p', query: 'up', max: 0.01 }] },
  ],
  ['spec.environments[1].strategy.blue-green', {}],
  ['spec.environments[1].start', 'manual'],
  ['spec.environments[1].before', [{ run: ['./migrate'] }]],
  ['spec.environments[1].after[0]', { run: ['./warm-up'] }],
  ['spec.environments[1].jobs', [{ name: 'report', schedule: '0 2 * * *', timezone: 'Asia/Shanghai', command: ['./report'] }]],
];

const laterInTarget: [string, unknown][] = [
  ['spec.swarm', { address: 'tcp://swarm.example:2376' }],
  ['spec.kubernetes', { address: 'https://k8s.example', credentials: 'kubeconfig' }],
  ['spec.marathon', { address: 'http://marathon.example:8080', group: '/shop' }],
  ['spec.group', '/shop'],
  ['spec.credentials', 'deployer'],
  ['spec.chronos', { address: 'http://chronos.example:4400' }],
  ['spec.mesosDns', { address: 'http://dns.example:8123' }],
  ['spec.docker.credentials', 'tls'],
];

type Place = Record<string, unknown>;

const project = (): Place => ({
  apiVersion: 'slipway.dev/v1',
  kind: 'Project',
  metadata: { name: 'shop' },
  spec: {
    source: { git: { url: 'https://git.example/shop.git' } },
    image: { repository: 'registry:5000/shop' },
    environments: [
      { name: 'test', stage: 'test', target: 'lab' },
      { name: 'production', stage: 'production', after: ['test'], target: 'lab' },
    ],
  },
});

const target = (): Place => ({ apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'lab' }, spec: { docker: {} } });

/** The document with one more value; what lies on the way is made. */
function given(document: Place, field: string, value: unknown): Place {
  const path = field.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  let at = document;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as Place;
  }
  at[path.at(-1) as string] = value;
  return document;
}

function faults(document: Place) {
  const text = stringify(document);
  const { faults: found } = readDocuments('given.yaml', text);
  return { found, at: (line: number) => text.split('\n')[line - 1] ?? '' };
}

/** The last word of the field, or of a list what its first element begins with: it stands in the line that is named. */
const wordOf = (field: string) => (/\[\d+\]$/.test(field) ? 'run' : (field.split('.').at(-1) as string));

function refusesAsLater(document: Place, field: string): void {
  const { found, at } = faults(document);
  const somewhere = { file: 'given.yaml', line: expect.any(Number), column: expect.any(Number) };
  expect(found).toEqual([{ ...somewhere, field, message: expect.stringContaining('not supported yet') }]);
  expect(at(found[0]?.line ?? 0)).toContain(wordOf(field));
}

describe('a key of the design', () => {
  it.each(takenOfProject)('%s is taken', (field, value) => {
    expect(faults(given(project(), field, value)).found).toEqual([]);
  });

  it.each(laterInProject)('%s is refused by its file, line and name: nothing is built for it yet', (field, value) => {
    refusesAsLater(given(project(), field, value), field);
  });

  it.each(laterInTarget)('%s of a target is refused by its file, line and name, too', (field, value) => {
    refusesAsLater(given(target(), field, value), field);
  });

  it.each(['swarm', 'kubernetes', 'marathon'])('a target that is only %s is not asked for a Docker host', (kind) => {
    const { found } = faults({ ...target(), spec: { [kind]: { address: 'http://cluster.example' } } });
    expect(found.map(({ field }) => field)).toEqual([`spec.${kind}`]);
  });
});

describe('a target', () => {
  it('of no kind at all is asked for its Docker host', () => {
    expect(faults({ ...target(), spec: {} }).found).toMatchObject([
      { field: 'spec.docker', message: expect.stringContaining('is missing') },
    ]);
  });
});

describe('the image of a check', () => {
  const checked = (image: string) => faults(given(project(), 'spec.environments[0].verify', [{ run: ['./smoke.sh'], image }])).found;
  const digest = 'a'.repeat(64);

  it.each([`registry:5000/tools@sha256:${digest}`, `busybox@sha256:${digest}`, `ghcr.io/shop/tools:1.2@sha256:${digest}`])(
    'may be %s',
    (image) => {
      expect(checked(image)).toEqual([]);
    },
  );

  it.each([
    'busybox',
    'busybox:latest',
    'x@sha256:1',
    `x@sha256:${digest}0`,
    `x@sha512:${digest}`,
    `-x@sha256:${digest}`,
    `@sha256:${digest}`,
    `a b@sha256:${digest}`,
  ])('is refused as %s, which no digest pins', (image) => {
    expect(checked(image)).toMatchObject([
      { field: 'spec.environments[0].verify[0].image', message: expect.stringContaining('by its digest') },
    ]);
  });
});
