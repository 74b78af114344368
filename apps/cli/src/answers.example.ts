import { createHash, randomUUID } from 'node:crypto';
import { Person, ProjectFile, Release, ResolvedDeployment } from '@slipway/contracts';
import { asksOf } from '@slipway/release';
import type { Approval } from './asked.js';
import type { Detail } from './references.js';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
export const digest = `sha256:${sha256('an image')}`;
export const oldDigest = `sha256:${sha256('an older image')}`;
export const time = '2026-11-23T05:00:00.000Z';

/** Release 42 of shop. */
export const release = Release.parse({
  id: '01900000-0000-7000-8000-000000000042',
  project: 'shop',
  number: 42,
  kind: 'commit',
  ref: 'refs/heads/main',
  line: 'refs/heads/main',
  revision: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
  ancestorOf: [],
  committedAt: time,
});

export const tess = Person.parse({
  id: randomUUID(),
  name: 'Tess Tester',
  emails: ['tess@shop.example'],
  accounts: [],
  roles: [{ role: 'tester', project: 'shop' }],
  keys: [],
  active: true,
});

/** Where release 42 is; awaiting sign-off for production unless said otherwise. */
export function aDetail(changes: Partial<Detail> = {}): Detail {
  const waits = {
    code: 'sign-off',
    environment: 'production',
    en: '1 operator to sign off for production',
    zh: 'production：1 名运维',
    since: time,
    people: ['Omar Operator'],
  };
  return {
    release,
    state: 'awaiting-approval',
    title: 'Sell hats',
    authors: ['Ann Author'],
    image: { repository: 'localhost:5000/shop', digest },
    retired: null,
    waitingFor: [waits],
    bornAt: time,
    changedAt: time,
    environments: [{ environment: 'test', stage: 'test', state: 'passed', request: null, address: 'http://127.0.0.1:20000', since: time }],
    timeline: [anEntry('commit.detected', 'release 42 was born')],
    logs: ['build'],
    ...changes,
  };
}

/** A line of a timeline. */
export function anEntry(event: string, en: string): Detail['timeline'][number] {
  return { at: time, event, id: randomUUID(), by: null, environment: null, en, zh: `${en}（中文）` };
}

/** The request to let release 42 into production. */
export function anApproval(changes: Partial<Approval> = {}): Approval {
  const deployment = ResolvedDeployment.parse({
    project: 'shop',
    environment: 'production',
    stage: 'production',
    projectVersion: 3,
    release: { id: release.id, number: 42, ref: release.ref, line: release.line, revision: release.revision },
    image: { repository: 'localhost:5000/shop', digest },
    app: {
      port: 8080,
      instances: 4,
      cpus: 0.5,
      memory: '256Mi',
      env: { GREETING: 'hello' },
      secrets: [{ name: 'db-password', version: 'v1' }],
      drain: '10s',
      stable: '5s',
      health: { http: '/', every: '2s', timeout: '1s', grace: '30s' },
    },
    target: { name: 'lab', version: 1, namespace: 'default', port: null, docker: { address: '10.0.0.7', ports: '20000-20999' } },
    policy: null,
    strategy: { rolling: { surge: 1 } },
    deadline: '600s',
    onFailure: 'rollback',
  });
  return {
    request: '01900000-0000-7000-8000-0000000000aa',
    release,
    environment: 'production',
    deployment,
    asks: asksOf(deployment, sha256),
    require: [{ role: 'operator', count: 1 }],
    missing: ['1 operator'],
    eligible: [{ id: tess.id, name: tess.name }],
    involved: [],
    unmatched: [],
    soakUntil: null,
    expiresAt: '2030-01-01T00:00:00.000Z',
    newerAvailable: null,
    inTest: { environment: 'test', address: 'http://127.0.0.1:20000', release, image: { repository: 'localhost:5000/shop', digest } },
    deployAgain: null,
    change: {
      since: {
        number: 40,
        revision: 'f00d00f00d00f00d00f00d00f00d00f00d00f00d',
        image: { repository: 'localhost:5000/shop', digest: oldDigest },
      },
      commits: [
        { release: 42, revision: release.revision, author: 'Ann Author', title: 'Sell hats' },
        { release: 41, revision: 'beef00beef00beef00beef00beef00beef00beef', author: 'Bob Builder', title: 'Count hats' },
      ],
      total: 2,
      settings: [{ en: 'app.env.GREETING changed from hi to hello', zh: 'app.env.GREETING 由 hi 变为 hello' }],
    },
    previous: null,
    authors: [{ name: 'Ann Author', email: 'ann@shop.example', account: null }],
    state: 'open',
    requestedAt: time,
    decidedAt: null,
    signOffs: [],
    refusals: [],
    ...changes,
  };
}

/** The file of shop. */
export const projectFile = ProjectFile.parse({
  apiVersion: 'slipway.dev/v1',
  kind: 'Project',
  metadata: { name: 'shop' },
  spec: {
    source: { git: { url: 'https://git.example/shop.git' } },
    image: { repository: 'localhost:5000/shop' },
    environments: [{ name: 'test', stage: 'test', target: 'lab' }],
  },
});
