import { type DsseEnvelope, ImageBuilt, type Release } from '@slipway/contracts';
import type { Received, UnitOfWork } from '@slipway/messaging';
import { type Claim, LostClaim } from '@slipway/operations';
import { aDigest, anId, aProjectFile, aRelease, aRevision, Broken, brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { BuildRecord, type BuildWork } from './build-record.js';
import type { Build } from './domain/build.js';
import type { BuildMetrics } from './image-builder.metrics.js';
import { MemoryBuilds, NothingRetired } from './memory-builds.fixture.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnCommitDetected } from './on-commit-detected.js';
import type { ProvenanceSigning } from './provenance-signing.js';
import { Settling } from './settling.js';

/** The work of one attempt: the newest epoch given out, and whether it was called off meanwhile. */
interface Owed {
  readonly epoch: number;
  readonly isDone: boolean;
  readonly isCancelled: boolean;
}

interface Tables {
  readonly builds: readonly Build[];
  readonly owed: Readonly<Record<string, Owed>>;
  /** Every `image.built`, in the order it was said. */
  readonly said: readonly { readonly release: number; readonly digest: string }[];
}

/** A worker that builds: no two builds of one revision give the same digest. */
interface Hands {
  readonly key: string;
  readonly epoch: number;
}

interface State {
  readonly tables: Tables;
  readonly unheard: readonly number[];
  readonly hands: readonly [Hands | null, Hands | null];
  readonly left: Budget;
}

interface Budget {
  readonly crashes: number;
  readonly failures: number;
  readonly cancels: number;
  readonly retries: number;
}

type Rules = { readonly fence: boolean; readonly twins: boolean };
type Begun = Extract<Awaited<ReturnType<BuildRecord['begin']>>, { state: 'begun' }>;

const revision = aRevision('two');
/** Two commits of a line, and a tag on the second one. */
const releases: readonly Release[] = [
  aRelease({ number: 1, revision: aRevision('one') }),
  aRelease({ number: 2, revision }),
  aRelease({ number: 3, revision, kind: 'tag' }),
];
const envelope = { payloadType: 'x', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] } as DsseEnvelope;

const fileOf = (supersede: 'never' | 'queued' | 'running') => aProjectFile({ spec: { build: { docker: {}, supersede } } });
const files = { never: fileOf('never'), queued: fileOf('queued'), running: fileOf('running') };

/** The real handlers and the real record, over tables that are put back as they were where a transaction fails. */
class Shop {
  private readonly builds: MemoryBuilds;
  private owed: Readonly<Record<string, Owed>>;
  private said: Tables['said'];
  private readonly settling: Settling;
  private readonly signing = { sign: async () => envelope } as unknown as ProvenanceSigning;
  private readonly metrics = { cancelled: () => undefined, ended: () => undefined } as unknown as BuildMetrics;

  constructor(
    tables: Tables,
    private readonly rules: Rules,
    supersede: 'never' | 'queued' | 'running',
  ) {
    this.builds = new MemoryBuilds(tables.builds, files[supersede]);
    if (!rules.twins) this.builds.twinOf = async () => undefined;
    this.owed = tables.owed;
    this.said = tables.said;
    this.settling = new Settling(this.builds, this.metrics);
  }

  tables(): Tables {
    return { builds: this.builds.all(), owed: this.owed, said: this.said };
  }

  hear(number: number): Promise<void> {
    const release = releases[number - 1] as Release;
    const data = { release, projectVersion: 1, people: [], repositoryFile: null, image: null };
    const handler = new OnCommitDetected(this.builds, this.signing, this.settling, new NothingRetired());
    return this.transact((unit) => handler.handle({ id: anId(), data } as unknown as Parameters<typeof handler.handle>[0], unit));
  }

  command(kind: 'release.retry' | 'release.cancel', release: string): Promise<void> {
    const data = { service: 'image-builder', command: anId(), person: { name: 'Otto' }, reason: 'x', action: { kind, release } };
    const handler = new OnCommandIssued(this.builds, this.settling);
    return this.transact((unit) => handler.handle({ id: anId(), subject: 'x', data } as unknown as Received & never, unit));
  }

  /** As a worker does with what it has claimed: gives what is to be built, or nothing where there is nothing to build now. */
  async begin({ key, epoch }: Hands): Promise<Begun | undefined> {
    const record = this.record();
    const begun = await record.begin(this.claim(key, epoch));
    if (begun.state === 'begun') return begun;
    if (begun.state === 'same-as' && begun.twin.image) await record.taken(this.claim(key, epoch), begun.twin);
    if (begun.state === 'over') this.owe(key, { isDone: true });
    return undefined;
  }

  async end({ key, epoch }: Hands, outcome: 'built' | 'failed'): Promise<void> {
    const build = this.builds.all().find(({ release }) => key.startsWith(release.id)) as Build;
    const begun = { state: 'begun', build, recipe: build.recipe, startedAt: new Date(0) } as Begun;
    const digest = aDigest(`${build.release.revision} ${key} ${epoch}`);
    const why = { reason: { code: 'build-failed', message: 'no' }, step: null, logTail: [] };
    if (outcome === 'built') await this.record().built(this.claim(key, epoch), begun, digest);
    else await this.record().failed(this.claim(key, epoch), begun, why);
  }

  owe(key: string, change: Partial<Owed>): void {
    this.owed = { ...this.owed, [key]: { ...(this.owed[key] ?? { epoch: 0, isDone: false, isCancelled: false }), ...change } };
  }

  private record(): BuildRecord {
    return new BuildRecord(this.builds, this.settling, this.signing, this.metrics, new NothingRetired());
  }

  private claim(key: string, epoch: number): Claim<BuildWork> {
    const [release = '', attempt] = key.split('/');
    const fenced = (ends: boolean) => (fn: (unit: UnitOfWork) => Promise<unknown>) =>
      this.transact(async (unit) => {
        const result = await fn(unit);
        const { epoch: newest, isDone } = this.owed[key] as Owed;
        if (this.rules.fence && (newest !== epoch || isDone)) throw new LostClaim('build', key, epoch);
        if (newest !== epoch && !isDone)
          throw new Broken('nothing is written under an older epoch than the newest', [], `${epoch}, not ${newest}`, null);
        if (ends) this.owe(key, { isDone: true });
        return result;
      });
    const operation = { input: { release, attempt: Number(attempt) }, epoch };
    return { operation, transact: fenced(false), complete: fenced(true) } as unknown as Claim<BuildWork>;
  }

  private async transact<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const before = this.tables();
    try {
      const tx = { query: this.query, notify: () => undefined, afterCommit: () => undefined };
      const publish = (event: { name: string }, { data }: { data: { release: Release; image: { digest: string } } }) => {
        if (event.name === ImageBuilt.name) this.said = [...this.said, { release: data.release.number, digest: data.image.digest }];
        return anId();
      };
      return await fn({ tx, publish, now: new Date(0) } as unknown as UnitOfWork);
    } catch (error) {
      for (const build of before.builds) await this.builds.save(undefined as never, build);
      this.owed = before.owed;
      this.said = before.said;
      throw error;
    }
  }

  /** Of libs/operations: what is owed is owed once; what is called off ends at once where nobody ever claimed it. */
  private readonly query = async (sql: string, params: readonly unknown[] = []) => {
    const isOwed = sql.startsWith('insert into operation');
    const [kind, key] = (isOwed ? params.slice(1) : params) as [string, string];
    if (isOwed && kind === 'build' && !this.owed[key]) this.owe(key, {});
    if (sql.includes('cancel_reason') && this.owed[key])
      this.owe(key, { isCancelled: true, isDone: this.owed[key].epoch === 0 || this.owed[key].isDone });
    return [{ id: 'x' }];
  };
}

function worldOf(
  budget: Partial<Budget>,
  supersede: 'never' | 'queued' | 'running',
  rules: Rules = { fence: true, twins: true },
): World<State> {
  const left = { crashes: 0, failures: 0, cancels: 0, retries: 0, ...budget };
  const open = (state: State) => new Shop(state.tables, rules, supersede);
  return {
    starts: {
      'three releases are detected': { tables: { builds: [], owed: {}, said: [] }, unheard: [1, 2, 3], hands: [null, null], left },
    },
    *moves(state): Iterable<Move<State>> {
      for (const number of state.unheard)
        yield [
          `release ${number} is heard`,
          async () => {
            const shop = open(state);
            await shop.hear(number);
            return { ...state, tables: shop.tables(), unheard: state.unheard.filter((each) => each !== number) };
          },
        ];
      for (const { release } of state.tables.builds)
        for (const [kind, budgeted] of [
          ['release.cancel', 'cancels'],
          ['release.retry', 'retries'],
        ] as const) {
          if (state.left[budgeted] === 0) continue;
          yield [
            `${kind} of release ${release.number}`,
            async () => {
              const shop = open(state);
              await shop.command(kind, release.id);
              return { ...state, tables: shop.tables(), left: { ...state.left, [budgeted]: state.left[budgeted] - 1 } };
            },
          ];
        }
      for (const which of [0, 1] as const) yield* worker(state, which, open);
    },
    key: keyOf,
    always: {
      'an image is said once of a release': ({ tables }) => new Set(tables.said.map(({ release }) => release)).size === tables.said.length,
      'what was said is what is kept': ({ tables }) =>
        tables.builds.every(
          ({ release, image }) => (tables.said.find((each) => each.release === release.number)?.digest ?? null) === (image?.digest ?? null),
        ),
      'one revision, built one way, is one image': ({ tables }) =>
        new Set(tables.said.filter(({ release }) => release > 1).map(({ digest }) => digest)).size <= 1,
    },
    reaches: {
      'all are heard, and every build is at an end': ({ unheard, tables, hands }) =>
        unheard.length === 0 &&
        hands.every((hand) => hand === null) &&
        tables.builds.every(({ state }) => state !== 'queued' && state !== 'building'),
    },
  };
}

function* worker(state: State, which: 0 | 1, open: (state: State) => Shop): Iterable<Move<State>> {
  const { tables, hands, left } = state;
  const hand = hands[which];
  const name = `worker ${which + 1}`;
  const put = (next: Hands | null): State['hands'] => (which === 0 ? [next, hands[1]] : [hands[0], next]);
  if (!hand) {
    for (const [key, { epoch, isDone, isCancelled }] of Object.entries(tables.owed)) {
      const isHeld = hands.some((other) => other?.key === key && other.epoch === epoch);
      if (isDone || (isHeld && left.crashes === 0)) continue;
      const after = { ...left, crashes: left.crashes - (isHeld ? 1 : 0) };
      const next = { key, epoch: epoch + 1 };
      yield [
        `${name} ${isHeld ? 'takes over' : 'takes'} the build of ${numberOf(tables, key)}`,
        async () => {
          const shop = open(state);
          shop.owe(key, { epoch: next.epoch });
          if (isCancelled) shop.owe(key, { isDone: true });
          const begun = isCancelled ? undefined : await shop.begin(next);
          // One that must wait for another gives its claim back as it was.
          const waits = !begun && !shop.tables().owed[key]?.isDone;
          return waits ? { ...state, left: after } : { ...state, tables: shop.tables(), hands: put(begun ? next : null), left: after };
        },
      ];
    }
    return;
  }
  if (left.crashes > 0) yield [`${name} is killed`, () => ({ ...state, hands: put(null), left: { ...left, crashes: left.crashes - 1 } })];
  for (const outcome of ['built', 'failed'] as const) {
    if (outcome === 'failed' && left.failures === 0) continue;
    yield [
      `${name} has ${outcome} ${numberOf(tables, hand.key)}`,
      async () => {
        const shop = open(state);
        const failures = left.failures - (outcome === 'failed' ? 1 : 0);
        try {
          await shop.end(hand, outcome);
        } catch (error) {
          if (!(error instanceof LostClaim)) throw error;
        }
        return { ...state, tables: shop.tables(), hands: put(null), left: { ...left, failures } };
      },
    ];
  }
}

function numberOf({ builds }: Tables, key: string): string {
  return `release ${builds.find(({ release }) => key.startsWith(release.id))?.release.number}`;
}

/** Of a build all that changes; two workers are the same but for what they hold. */
function keyOf({ tables: { builds, owed, said }, unheard, hands, left }: State): string {
  const told = builds.map(({ release, state, attempt, supersede, image }) => [release.number, state, attempt, supersede, image?.digest]);
  return JSON.stringify([told, owed, said, unheard, hands.map((hand) => JSON.stringify(hand)).sort(), left]);
}

const mostStates = 25_000;

describe('three releases, two workers, and events in any order', () => {
  it.each<['never' | 'queued' | 'running', Partial<Budget>, number]>([
    ['queued', { crashes: 3 }, 3500],
    ['running', { crashes: 3, failures: 1 }, 12_000],
    ['never', { crashes: 1, failures: 1, retries: 1 }, 9000],
    ['running', { crashes: 3, cancels: 1 }, 19_000],
    ['running', { cancels: 1, retries: 1 }, 4400],
  ])(
    'supersede: %s, %o: one image a release and a revision, and every build comes to its end',
    async (supersede, budget, states) => {
      await explore(worldOf(budget, supersede), { atMost: mostStates, atLeast: { states, edges: 2 * states } });
    },
    120_000,
  );

  it.each<[string, Partial<Rules>, Partial<Budget>, RegExp, string[]]>([
    [
      'the epoch is not asked for',
      { fence: false },
      { crashes: 1 },
      /^nothing is written under an older epoch/,
      [
        'release 1 is heard',
        'worker 1 takes the build of release 1',
        'worker 2 takes over the build of release 1',
        'worker 1 has built release 1',
      ],
    ],
    [
      'nobody asks who builds the same revision',
      { twins: false },
      {},
      /^one revision, built one way, is one image/,
      [
        'release 2 is heard',
        'release 3 is heard',
        'worker 1 takes the build of release 2',
        'worker 1 has built release 2',
        'worker 1 takes the build of release 3',
        'worker 1 has built release 3',
      ],
    ],
  ])('has teeth: %s', async (_, without, budget, promise, story) => {
    const broken = await brokenBy(worldOf(budget, 'never', { fence: true, twins: true, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
