import { createHash } from 'node:crypto';
import type { Release } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { aPerson, aRelease, aRevision } from '@slipway/testkit';
import type { Made } from './docker-of.ts';
import type { RepositoryCommit, Row, Seen } from './history.ts';
import { versionsOf } from './made-otherwise.ts';
import type { Line, Scribe } from './scribe.ts';

/** How a history is made otherwise than a good one. */
export interface Twist {
  /** Changes what a line says before it is signed, by its key; undefined leaves it out. */
  readonly data?: Readonly<Record<string, (data: any) => unknown>>;
  /** Says more, once all lines are known. */
  readonly more?: (good: Good, scribe: Scribe) => void | Promise<void>;
  /** How release 1 comes back at the end. */
  readonly back?: 'rollback' | 'rollout' | 'never';
  /** A third release, which is asked for over the second one, and begins after that was gone back from. */
  readonly third?: true;
  /** Changes a statement before it is sealed: `grant 2`, `sign-off 2`. */
  readonly sealed?: Readonly<Record<string, (statement: any) => unknown>>;
  /** A line that gets no link in an audit chain. */
  readonly unlinked?: string;
  /** What the policy of production asks otherwise. */
  readonly policy?: Partial<typeof policy>;
  /** Who seals sign-offs. */
  readonly signOffsBy?: 'gateway' | 'approval';
  /** Changes the commit of a release. */
  readonly commit?: Readonly<Record<number, (commit: RepositoryCommit) => RepositoryCommit>>;
  /** What Docker is asked to make, besides or instead. */
  readonly made?: (made: Made[], good: Good) => Made[];
}

/** What a test needs to know of the history it twists. */
export interface Good {
  readonly one: Release;
  readonly two: Release;
  readonly three: Release;
  readonly line: (key: string) => Line;
  readonly otto: string;
  readonly requests: Readonly<Record<string, string>>;
}

/** Keys are good from when they were made. */
export const begin = Date.now();
export const installation = 'made-up';
export const author = { name: 'Ann Author', email: 'ann@shop.example', account: null };
export const app = {
  port: 8080,
  instances: 2,
  cpus: 0.5,
  memory: '256Mi',
  env: { GREETING: 'hello' },
  secrets: [{ name: 'db-password', version: 'v1' }],
  drain: '1s',
  stable: '1s',
  health: { http: '/', every: '1s', timeout: '1s', grace: '5s' },
};
export const policy = {
  require: [{ role: 'operator', count: 1 }],
  distinct: true,
  expires: '7d',
  supersede: 'on-grant',
  proof: 'any',
  duties: 'separate',
};

/** What of its host an instance of it is given. */
export const host = {
  memoryBytes: 256 * 1024 ** 2,
  nanoCpus: 500_000_000,
  mounts: [{ source: `/data/targets/lab/environments/e/secrets/${versionsOf(app.secrets)}`, target: '/run/secrets', readOnly: true }],
};

/** The manifest of a release's image. */
export const bodyOf = (number: number) => JSON.stringify({ made: `for release ${number}` });
export const imageOf = (number: number) => ({
  repository: 'localhost:5000/shop',
  digest: `sha256:${createHash('sha256').update(bodyOf(number)).digest('hex')}`,
});

type Kept = Record<'request' | 'rollout' | 'deployment' | 'build' | 'outcome', Row[]>;

/** Tells a history line by line, and keeps the rows, the commits and the containers that go with it. */
export class Teller {
  now = begin;
  readonly made: Made[] = [];
  readonly operations: (Row & { service: string })[] = [];
  readonly seen: Seen[] = [];
  readonly commits: RepositoryCommit[] = [];
  readonly good: Good;
  readonly #scribe: Scribe;
  readonly twist: Twist;
  readonly rows: Kept = { request: [], rollout: [], deployment: [], build: [], outcome: [] };
  readonly requests: Record<string, string> = {};
  readonly grants: Record<string, string> = {};
  readonly otto = aPerson({ name: 'Otto Operator', roles: [{ role: 'operator', project: '*' }] });
  readonly ann = aPerson({
    name: 'Ann Author',
    roles: [
      { role: 'developer', project: '*' },
      { role: 'operator', project: '*' },
    ],
  });

  constructor(scribe: Scribe, twist: Twist) {
    this.#scribe = scribe;
    this.twist = twist;
    const [one, two, three] = [1, 2, 3].map((number) => aRelease({ number, revision: aRevision(String(number)) })) as [
      Release,
      Release,
      Release,
    ];
    const line = (key: string) => scribe.lines.find((each) => each.key === key) as Line;
    this.good = { one, two, three, line, otto: this.otto.id, requests: this.requests };
  }

  get policy(): typeof policy {
    return { ...policy, ...this.twist.policy };
  }

  /** A client was told that this was taken. */
  told(
    seen: { kind: 'sign-off'; request: string; decision: 'approve' } | { kind: 'command'; action: string; about: string },
    answer: object,
  ): void {
    const time = new Date(this.now).toISOString();
    const told = {
      person: this.otto.name,
      status: 200,
      answer: JSON.stringify({ ...answer, state: 'accepted' }),
      asked: time,
      answered: time,
    };
    this.seen.push({ ...seen, ...told });
  }

  tables() {
    const table = (service: string, name: keyof Kept) => ({ service, name, rows: this.rows[name] });
    return [
      table('approval', 'request'),
      table('production-rollout', 'rollout'),
      table('test-deployer', 'deployment'),
      table('image-builder', 'build'),
      table('source-watcher', 'outcome'),
      { service: 'source-watcher', name: 'delivery', rows: [{ project: 'shop', id: 'delivery-1' }] },
    ];
  }

  say(key: string, writer: Line['writer'], event: Line['event'], data: unknown, subject: string, cause?: string): string {
    this.now += 1000;
    // Nobody answers what was left out.
    if (cause === '') return '';
    const change = this.twist.data?.[key];
    const changed = change ? change(event.data.parse(data)) : event.data.parse(data);
    if (changed === undefined) return '';
    const { release } = data as { release?: { id?: string } };
    return this.#scribe.say({ key, writer, event, data: changed, subject, at: this.now, cause, correlation: release?.id });
  }

  seal(service: Line['writer'], purpose: 'grant' | 'sign-off' | 'verdict' | 'provenance', key: string, statement: unknown) {
    return this.#scribe.seal(service, purpose, this.twist.sealed?.[`${purpose} ${key}`]?.(statement) ?? statement);
  }

  provenance(number: number) {
    const subject = [{ digest: { sha256: imageOf(number).digest.slice('sha256:'.length) } }];
    return this.seal('image-builder', 'provenance', String(number), {
      _type: 'https://in-toto.io/Statement/v1',
      subject,
      predicateType: 'https://slsa.dev/provenance/v1',
    });
  }

  verdict({ id, number }: Release, deployment: string) {
    const time = new Date(this.now).toISOString();
    return this.seal('test-deployer', 'verdict', String(number), {
      outcome: 'passed',
      release: id,
      environment: 'test',
      deployment,
      image: imageOf(number),
      ran: digestOf({}),
      builtAt: time,
      time,
    });
  }
}
