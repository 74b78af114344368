import { TcpProxy } from '@slipway/testkit';
import type { FaultProxy } from '../../../tools/parts/toxiproxy.ts';
import type { Chance, Fault, FaultKind, Sufferer } from '../fault.ts';
import type { HurtPostgres } from './a-postgres.ts';
import { aFault, blackHoled, poisoned, repeatedly } from './hurting.ts';
import { deadlocks, lockHolder, refusals, slotThief } from './saboteurs.ts';
import { each, inUse, type Ways } from './ways.ts';

/** What may suffer at the same time as Postgres. */
const overlaps: readonly Sufferer[] = ['service', 'docker', 'registry'];
const part = 'postgres';

/** As node-postgres sends it: a simple query of one word. */
const commit = /Q\0\0\0.commit\0/is;

/** Every fault of Postgres (facts/reliability.md 1.6 P, F01). */
export function faultsOfPostgres(postgres: HurtPostgres, ways: Ways): FaultKind[] {
  const proxies = ways.to('postgres');
  const kinds: FaultKind[] = [
    {
      name: 'postgres restarted at once',
      part,
      lasts: { least: 0, most: 8 },
      overlaps,
      make: (_, seconds) =>
        aFault({
          name: `Postgres is shut down at once and back after ${seconds} s`,
          begin: async () => {
            const asked = await inUse(proxies);
            await postgres.kill('SIGQUIT');
            return asked;
          },
          end: async () => void (await postgres.start()),
        }),
    },
    {
      name: 'postgres cut',
      part,
      lasts: { least: 3, most: 15 },
      overlaps,
      make: (chance) =>
        repeatedly(`every connection to Postgres is closed again and again`, chance.whole(500, 2500), async () => {
          const asked = await inUse(proxies);
          await each(proxies, (proxy) => proxy.cut());
          return asked;
        }),
    },
    {
      name: 'postgres commits unanswered',
      part,
      lasts: { least: 5, most: 20 },
      overlaps,
      make: (chance) => unanswered(postgres, proxies, chance.whole(50, 400)),
    },
    {
      name: 'postgres out of connections',
      part,
      lasts: { least: 5, most: 30 },
      overlaps,
      make: (chance) => slotThief(postgres, saltOf(chance)),
    },
    {
      name: 'postgres slow',
      part,
      lasts: { least: 10, most: 40 },
      overlaps,
      make: (chance) => {
        const latency = chance.whole(200, 600);
        return poisoned(`every answer of Postgres takes ${latency} ms more`, proxies, [
          { stream: 'downstream', toxic: { type: 'latency', attributes: { latency, jitter: 100 } } },
        ]);
      },
    },
    {
      name: 'postgres black-holed',
      part,
      lasts: { least: 20, most: 60 },
      overlaps,
      make: () => blackHoled('nothing gets to Postgres or back, without a word', proxies),
    },
    {
      name: 'postgres rows locked',
      part,
      lasts: { least: 10, most: 60 },
      overlaps,
      make: (chance) => lockHolder(postgres, saltOf(chance)),
    },
    { name: 'postgres deadlocks', part, lasts: { least: 5, most: 20 }, overlaps, make: () => deadlocks(postgres) },
    {
      name: 'postgres refuses transactions',
      part,
      lasts: { least: 5, most: 30 },
      overlaps,
      make: (chance) =>
        refusals(postgres, {
          state: chance.one(['40001', '40P01', '55P03'] as const),
          percent: chance.whole(10, 30),
          salt: saltOf(chance),
        }),
    },
  ];
  return postgres.disk === undefined ? kinds : [...kinds, diskFull(postgres, postgres.disk)];
}

/** By which Postgres chooses, so that it too chooses by the seed. */
function saltOf(chance: Chance): number {
  return chance.whole(0, 2 ** 31 - 1);
}

/** Answers to COMMIT get lost after Postgres has it: at each turn that of the next one on each way. */
function unanswered(postgres: HurtPostgres, proxies: readonly FaultProxy[], everyMs: number): Fault {
  const { hostname: host, port } = new URL(postgres.url);
  const snares: { readonly on: TcpProxy; set: boolean }[] = [];
  let lost = 0;
  const turn = async (): Promise<number> => {
    for (const proxy of proxies.slice(snares.length)) {
      const on = await TcpProxy.to({ host, port: Number(port) });
      snares.push({ on, set: false });
      await proxy.lead(`127.0.0.1:${on.port}`);
    }
    for (const snare of snares.filter(({ set }) => !set)) {
      snare.set = true;
      snare.on.cutReplyTo(commit);
      void snare.on.sees(commit).then(() => {
        snare.set = false;
        lost++;
      });
    }
    const sum = lost;
    lost = 0;
    return sum;
  };
  return repeatedly('answers to commits get lost', everyMs, turn, async () => {
    await each(proxies, (proxy) => proxy.lead(`${host}:${port}`));
    await Promise.all(snares.splice(0).map(({ on }) => on.close()));
    return lost;
  });
}

/** No room for another byte where Postgres keeps its data. It refuses statements (53100), or falls where its log of writes cannot grow; both must pass by themselves. */
function diskFull(postgres: HurtPostgres, disk: NonNullable<HurtPostgres['disk']>): FaultKind {
  return {
    name: 'postgres disk full',
    part: 'postgres',
    lasts: { least: 5, most: 25 },
    overlaps: ['service'],
    make: (_, seconds) => {
      let refused: (line: RegExp) => Promise<number> = async () => 0;
      return aFault({
        name: `the disk of Postgres is full for ${seconds} s`,
        begin: async () => {
          refused = await postgres.watchLog();
          await disk.fill();
          return undefined;
        },
        end: async () => {
          await disk.free();
          await postgres.start();
          return await refused(/No space left on device/);
        },
      });
    },
  };
}
