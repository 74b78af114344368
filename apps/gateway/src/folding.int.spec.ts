import { type AnyEvent, catalog, type DataOf } from '@slipway/contracts';
import { Database } from '@slipway/postgres';
import { comesAfter, type Told } from '@slipway/release';
import { aCommit, aDatabase, anId, aRelease, type TestDatabase } from '@slipway/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PostgresLedgerBooks } from './adapters/postgres-ledger-books.js';
import { Folding } from './folding.js';
import { imageOf, provenance, requestOf } from './gateway.fixture.js';
import { migrations } from './migrations/index.js';

/** The books, and how often all events of a release were read. */
class CountingBooks extends PostgresLedgerBooks {
  read = 0;
  override async eventsOf(...of: Parameters<PostgresLedgerBooks['eventsOf']>) {
    this.read++;
    return super.eventsOf(...of);
  }
}

let db: TestDatabase;
let database: Database;
let books: CountingBooks;
let folding: Folding;

beforeAll(async () => {
  db = await aDatabase();
  database = await Database.connect({ url: db.url, schema: 'slipway_gateway', applicationName: 'folding' });
  await database.migrate(migrations);
});
beforeEach(() => {
  books = new CountingBooks(database);
  folding = new Folding(books);
});
afterAll(async () => {
  await database?.close();
  await db?.drop();
});

type Name = AnyEvent['name'];
const person = { id: anId(), name: 'Tess' };
const why = { code: 'unhealthy', message: 'never answered' };

/** Tells of releases: each event a second after the one before, caused by it, numbered by its writer. */
function story() {
  const told: Told[] = [];
  const numbers = new Map<string, number>();
  const say = <N extends Name>(name: N, data: DataOf<Extract<AnyEvent, { name: N }>> & { release?: { id: string } | null }) => {
    const definition = catalog.get(name);
    const source = definition?.writer ?? 'nobody';
    const subject = data.release?.id ?? 'shop';
    const sequence = (numbers.get(source + subject) ?? 0) + 1;
    numbers.set(source + subject, sequence);
    const time = new Date(Date.parse('2026-11-23T06:00:00Z') + told.length * 1000).toISOString();
    const causationId = told.at(-1)?.id;
    told.push({ id: anId(), name, source, subject, time, sequence, causationId, data: definition?.data.parse(data) } as unknown as Told);
  };
  return { told, say };
}

/** Two releases of a project: the first goes live, the second takes its place and is rolled back from. */
function longStory(): { told: Told[]; releases: string[] } {
  const { told, say } = story();
  const [one, two] = [aRelease({ number: 1 }), aRelease({ number: 2 })] as const;
  for (const release of [one, two]) {
    const commit = aCommit({ message: `Number ${release.number}` });
    const born = { release, projectVersion: 1, people: [commit.author], pusher: null, repositoryFile: null, image: null };
    say('commit.detected', { ...born, range: { from: null, commits: [commit], total: 1 }, trigger: { kind: 'poll', person: null } });
    say('build.started', { release, attempt: 1, backend: 'docker' });
    const asked = requestOf(release, []);
    const about = { request: asked.request, release, environment: 'pre-release' };
    say('approval.requested', asked);
    const signed = { ...about, person, comment: '', via: 'http' as const, inTest: null };
    say('sign-off.accepted', { ...signed, decision: 'approve', missing: ['1 more operator'] });
    say('sign-off.refused', { ...about, person, reason: why, posted: anId() });
    say('approval.requested', { ...asked, newerAvailable: 7 });
    const grant = { grant: provenance, provenance, verdict: provenance, byPolicy: false, signOffs: [], authors: [] };
    say('approval.granted', { ...about, asks: asked.asks, ...grant, reissued: false });
    const at = { rollout: anId(), kind: 'rollout' as const, release, environment: 'pre-release', stage: 'pre-release' as const };
    const image = imageOf(release);
    const replaces = release === two ? one : null;
    say('rollout.started', { ...at, attempt: 1, grant: anId(), image, replaces });
    say('rollout.advanced', { ...at, ready: 1, wanted: 2, message: '' });
    const live = { address: 'http://127.0.0.1:20000', instances: 2, seconds: 4, leadSeconds: 60 };
    say('rollout.succeeded', { ...at, grant: anId(), asks: asked.asks, image, ...live });
  }
  const back = { rollout: anId(), kind: 'rollback' as const, release: one, environment: 'pre-release', stage: 'pre-release' as const };
  const address = 'http://127.0.0.1:20000';
  say('rollout.rolled-back', { ...back, from: two, image: imageOf(one), address, reason: why, by: null, seconds: 2 });
  say('release.withdrawn', { release: two, by: person, reason: 'bad' });
  return { told, releases: [one.id, two.id] };
}

/** So many at once, in turn; one by one where nothing is said. */
const fold = async (events: readonly Told[], portions: Iterator<number> = [].values()) => {
  for (let at = 0; at < events.length; ) {
    const { done, value: size = 1 } = portions.next();
    const portion = events.slice(at, at + (done ? 1 : size));
    await database.transaction((tx) => folding.fold(tx, portion));
    at += portion.length;
  }
};
const kept = async (releases: readonly string[]) => {
  const accounts = await database.query<{ row: string }>('select r::text as row from release r where id = any($1) order by id', [releases]);
  const requests = await database.query<{ row: string }>('select r::text as row from request r where release = any($1) order by id', [
    releases,
  ]);
  return [...accounts, ...requests].map(({ row }) => row);
};
/** The same of all events at once. */
const keptAnew = async (releases: readonly string[]) => {
  await database.transaction(async (tx) => {
    await tx.query('delete from release where id = any($1)', [releases]);
    await tx.query('delete from request where release = any($1)', [releases]);
    await folding.refold(tx, releases);
  });
  return kept(releases);
};

describe('the events beside one', () => {
  const place = fc.record({
    source: fc.constantFrom('approval', 'gateway'),
    subject: fc.constantFrom('s', 't'),
    at: fc.nat(6),
    sequence: fc.option(fc.nat(6), { nil: undefined }),
    cause: fc.option(fc.nat(7), { nil: undefined }),
  });

  it('tell as much of whether it comes last as all others do', async () => {
    const told = { last: 0, late: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 8 }), async (places) => {
        const release = anId();
        const ids = fc.sample(fc.uuid(), { numRuns: places.length, seed: places.length });
        const events = places.map(({ at, cause, ...rest }, index) => {
          const time = new Date(Date.parse('2026-11-23T06:00:00Z') + at).toISOString();
          return { ...rest, id: ids[index], time, causationId: cause === undefined ? undefined : ids[cause] } as Told;
        });
        const [event, ...others] = events as [Told, ...Told[]];
        const beside = await database.transaction(async (tx) => {
          const kept = await books.keepEvents(
            tx,
            events.map((each) => ({ event: each, releases: [release] })),
          );
          expect(kept).toHaveLength(events.length);
          return (await books.eventsBeside(tx, [{ release, event }]))[0];
        });
        const after = comesAfter(event, others);
        told[after ? 'last' : 'late']++;
        expect(beside && comesAfter(event, beside)).toBe(after);
      }),
      { numRuns: 200 },
    );
    expect(Math.min(told.last, told.late)).toBeGreaterThan(20);
  });
});

describe('the accounts of releases', () => {
  it('grow by one step an event, however many there were, and are what all events at once give', async () => {
    const { told, releases } = longStory();
    const last = told.at(-1) as Told;
    const advanced = told.find(({ name }) => name === 'rollout.advanced') as Told;
    const more = Array.from({ length: 200 }, (_, index) => ({
      ...advanced,
      id: anId(),
      sequence: 100 + index,
      time: new Date(Date.parse(last.time) + index * 100).toISOString(),
      causationId: last.id,
      data: { ...advanced.data, ready: index },
    })) as unknown as Told[];
    await fold([...told, ...more]);
    // The first event of each has nothing to go on from.
    expect(books.read).toBe(2);
    const grown = await kept(releases);
    expect(grown).toHaveLength(4);
    expect(await keptAnew(releases)).toEqual(grown);
  });

  it('are the same in whatever order their events come, by whatever clocks, some of them twice', async () => {
    let events = 0;
    const arrival = fc.record({
      order: fc.infiniteStream(fc.nat()),
      // From a little out of order, as topics are read side by side, to any order at all.
      reach: fc.constantFrom(0, 3, 100),
      skew: fc.record({ approval: fc.integer({ min: -5, max: 5 }), 'production-rollout': fc.integer({ min: -5, max: 5 }) }),
      twice: fc.nat(20),
      // How many come together: one, some, or all of both releases.
      together: fc.infiniteStream(fc.constantFrom(1, 1, 2, 7, 50)),
    });
    await fc.assert(
      fc.asyncProperty(arrival, async ({ order, reach, skew, twice, together }) => {
        const { told, releases } = longStory();
        const arriving = told
          .map((event, index) => ({ event: skewed(event, skew), rank: index + ((order.next().value ?? 0) % (reach + 1)) }))
          .toSorted((one, other) => one.rank - other.rank)
          .map(({ event }) => event);
        await fold([...arriving, arriving[twice % arriving.length] as Told], together);
        events += arriving.length;
        const grown = await kept(releases);
        expect(grown).toHaveLength(4);
        expect(await keptAnew(releases)).toEqual(grown);
      }),
      { numRuns: 30 },
    );
    // Or no step was tried at all.
    expect(books.read).toBeLessThan(events * 0.8);
  });

  it('are folded whole where a gateway of before kept an event without its place', async () => {
    const { told, releases } = longStory();
    await fold(told.slice(0, -1));
    await database.query('update release_event set at = null, source = null, subject = null where release = $1 and event_id = $2', [
      releases[1],
      told.at(-3)?.id,
    ]);
    const before = books.read;
    await fold(told.slice(-1));
    expect(books.read).toBe(before + 1);
    const grown = await kept(releases);
    expect(await keptAnew(releases)).toEqual(grown);
  });
});

function skewed(event: Told, skew: Readonly<Record<string, number>>): Told {
  return { ...event, time: new Date(Date.parse(event.time) + 1000 * (skew[event.source] ?? 0)).toISOString() };
}
