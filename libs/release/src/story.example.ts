import { type AnyEvent, catalog, type DataOf, ProjectFile, type Release, TargetFile } from '@slipway/contracts';
import type { Told } from './event-order.js';
import { resolveDeployment } from './resolved-deployment.js';
import type { Judged } from './sign-off-rules.js';

/** A project with a test environment, a pre-release and a production; what the specs of this library tell their stories in. */
export const file = ProjectFile.parse({
  apiVersion: 'slipway.dev/v1',
  kind: 'Project',
  metadata: { name: 'shop' },
  spec: {
    source: { git: { url: 'https://git.example/shop', branches: ['main', 'feature/*'] } },
    image: { repository: 'localhost:5000/shop' },
    environments: [
      { name: 'test', stage: 'test', target: 'lab' },
      {
        name: 'pre-release',
        stage: 'pre-release',
        target: 'lab',
        after: ['test'],
        approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
      },
      { name: 'production', stage: 'production', target: 'lab', after: ['pre-release'], approval: { require: [{ role: 'operator' }] } },
    ],
  },
});
const target = TargetFile.parse({ apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'lab' }, spec: { docker: {} } });

/** A stable id made of a small number. */
export function uuid(number: number): string {
  return `01939f00-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

export function aRelease(number = 42, change: Partial<Release> = {}): Release {
  return {
    id: uuid(number),
    project: 'shop',
    number,
    kind: 'commit',
    ref: 'refs/heads/main',
    line: 'main',
    revision: 'a'.repeat(40),
    ancestorOf: [],
    committedAt: '2026-11-23T05:00:00Z',
    ...change,
  };
}

export function aPerson(number: number, name: string, ...roles: Judged['roles'][number]['role'][]): Judged {
  return {
    id: uuid(number),
    name,
    emails: [`${name.toLowerCase()}@example.com`],
    accounts: [],
    active: true,
    roles: roles.map((role) => ({ role, project: 'shop' })),
  };
}
export const ada = aPerson(901, 'Ada', 'developer');
export const mei = aPerson(902, 'Mei', 'tester');
export const omar = aPerson(903, 'Omar', 'operator');
export const people = [ada, mei, omar];
export const asReference = ({ id, name }: Judged) => ({ id, name });

export const image = { repository: 'localhost:5000/shop', digest: `sha256:${'b'.repeat(64)}` };
const signed = { payloadType: 'x', payload: '', signatures: [{ keyid: 'k', sig: 's' }] };

type Name = AnyEvent['name'];
type DataNamed<N extends Name> = DataOf<Extract<AnyEvent, { name: N }>>;

/** Tells a story: each event a second after the one before, caused by it, numbered by its writer. Data is parsed by its schema, so no story can lie. */
export function story() {
  const told: Told[] = [];
  const numbers = new Map<string, number>();
  const say = <N extends Name>(name: N, data: DataNamed<N>, change: Partial<Told> = {}): void => {
    const definition = catalog.get(name);
    if (!definition) throw new Error(`no event ${name}`);
    const parsed = definition.data.parse(data) as { release?: { id: string } };
    const key = `${definition.writer} ${parsed.release?.id}`;
    const sequence = (numbers.get(key) ?? 0) + 1;
    numbers.set(key, sequence);
    const at = told.length + 1;
    const event = {
      id: uuid(5000 + at),
      name,
      source: definition.writer,
      subject: parsed.release?.id ?? 'shop',
      time: time(at),
      sequence,
      causationId: told.at(-1)?.id,
      data: parsed,
      ...change,
    };
    told.push(event as unknown as Told);
  };
  return { told, say, ...chapters(say) };
}

/** The time of the nth event. */
export function time(at: number): string {
  return new Date(Date.parse('2026-11-23T06:00:00Z') + at * 1000).toISOString();
}

type Say = <N extends Name>(name: N, data: DataNamed<N>, change?: Partial<Told>) => void;

/** The usual parts of a story, for any release. */
function chapters(say: Say) {
  return {
    born: (release = aRelease()) => {
      const commit = {
        revision: release.revision,
        author: { name: 'Ada', email: 'ada@example.com', account: null },
        committer: null,
        coAuthors: [],
        message: 'a',
        time: release.committedAt,
      };
      say('commit.detected', {
        release,
        projectVersion: 1,
        range: { from: null, commits: [commit], total: 1 },
        people: [commit.author],
        pusher: null,
        trigger: { kind: 'poll', person: null },
        repositoryFile: null,
        image: null,
      });
    },
    built: (release = aRelease()) => {
      say('build.started', { release, attempt: 1, backend: 'docker' });
      say('image.built', {
        release,
        projectVersion: 1,
        image,
        built: true,
        seconds: 12,
        provenance: signed,
        repositoryFile: null,
        authors: [],
      });
    },
    tested: (release = aRelease()) => {
      const at = { release, environment: 'test', deployment: uuid(700), image };
      say('deployment.started', { ...at, attempt: 1, replaces: null });
      say('deployment.succeeded', { ...at, address: 'http://lab:20000', instances: 1, seconds: 3 });
      say('verification.passed', {
        ...at,
        projectVersion: 1,
        address: 'http://lab:20000',
        evidence: [],
        seconds: 1,
        provenance: signed,
        verdict: signed,
        repositoryFile: null,
        authors: [],
      });
    },
    asked: (environment: string, change: Partial<DataNamed<'approval.requested'>> = {}, release = aRelease()) => {
      const resolved = resolveDeployment({
        project: { version: 1, file },
        environment,
        release,
        image,
        repositoryFile: null,
        target: { version: 1, file: target },
        secretVersions: {},
      });
      if (!resolved.ok) throw new Error(resolved.reason.message);
      const nothing = {
        missing: [],
        eligible: [],
        involved: [],
        unmatched: [],
        soakUntil: null,
        newerAvailable: null,
        inTest: null,
        deployAgain: null,
        change: null,
        previous: null,
        authors: [],
      };
      const require = resolved.deployment.policy?.require ?? [];
      say('approval.requested', {
        request: uuid(800),
        release,
        environment,
        deployment: resolved.deployment,
        asks: 'c'.repeat(64),
        require,
        expiresAt: time(9000),
        ...nothing,
        ...change,
      });
    },
    signed: (person: Judged, environment: string, release = aRelease()) =>
      say('sign-off.accepted', {
        request: uuid(800),
        release,
        environment,
        person: asReference(person),
        decision: 'approve',
        comment: '',
        via: 'http',
        inTest: null,
        missing: [],
      }),
    granted: (environment: string, release = aRelease(), reissued = false) =>
      say('approval.granted', {
        request: uuid(800),
        release,
        environment,
        asks: 'c'.repeat(64),
        grant: signed,
        provenance: signed,
        verdict: signed,
        byPolicy: false,
        reissued,
        signOffs: [],
        authors: [],
      }),
    rolledOut: (environment: 'pre-release' | 'production', release = aRelease(), replaces: Release | null = null) => {
      const at = { rollout: uuid(600 + release.number), kind: 'rollout' as const, release, environment, stage: environment };
      say('rollout.started', { ...at, attempt: 1, grant: uuid(650), image, replaces });
      say('rollout.advanced', { ...at, ready: 1, wanted: 1, message: '' });
      say('rollout.succeeded', {
        ...at,
        grant: uuid(650),
        asks: 'c'.repeat(64),
        image,
        address: 'http://lab:20001',
        instances: 1,
        seconds: 4,
        leadSeconds: 60,
      });
    },
  };
}
