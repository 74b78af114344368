import { type Service, services } from '@slipway/contracts';
import { until } from '../../../tools/parts/until.ts';
import type { FaultKind } from '../fault.ts';
import type { HurtPostgres } from './a-postgres.ts';
import type { Clock } from './clocks.ts';
import { aFault } from './hurting.ts';

/** The clocks of a run. */
export interface Clocks {
  readonly of: Readonly<Record<Service, Clock>>;
  readonly postgres: Clock;
}

const part = 'clock';
const hour = 3600;

/** As near as a time of day is told by the `Date` of an answer, which is made once a second. */
const nearS = 30;

/** Whether a process that serves HTTP there goes by a clock that is so far from ours, as the `Date` of its answers tells. */
async function hasJumped(url: string, by: number): Promise<boolean> {
  const there = async () => {
    const { headers } = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) });
    return Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - by * 1000) < nearS * 1000;
  };
  return await until('its clock jumps', there, { within: 8_000, every: 250 }).catch(() => false);
}

/** Clocks that jump (facts/reliability.md 1.6 T01, T02). Hurt is each process that was asked for its time of day and had the other one. */
export function faultsOfClocks(clocks: Clocks, postgres: HurtPostgres): FaultKind[] {
  let ahead = 0;
  return [
    {
      name: 'clock of a service jumps',
      part,
      lasts: { least: 10, most: 60 },
      overlaps: ['service', 'kafka', 'postgres', 'docker', 'registry', 'network'],
      weight: 2,
      make: (chance) => {
        const service = chance.one(services);
        const by = chance.one([hour, -hour, -600]);
        return aFault({
          name: `the clock of ${service} jumps by ${by} s`,
          begin: async ({ suite }) => {
            await clocks.of[service].set(by);
            const those = suite.replicas.filter((replica) => replica.service === service);
            const jumped = await Promise.all(those.map(({ url }) => hasJumped(url, by)));
            return jumped.filter(Boolean).length;
          },
          end: async () => void (await clocks.of[service].set(0)),
        });
      },
    },
    {
      name: 'clock of postgres jumps ahead',
      part,
      lasts: { least: 0, most: 0 },
      overlaps: ['service'],
      // It stays there: a database whose clock is set back by an hour owes its work an hour later, which no promise covers. No plan has it: what came first,
      // Docker's container or the event in Postgres, cannot be told afterwards where their clocks are an hour apart.
      weight: 0,
      make: () =>
        aFault({
          name: 'the clock of Postgres jumps an hour ahead',
          begin: async ({ say }) => {
            ahead += hour;
            await clocks.postgres.set(ahead);
            const asked = () => postgres.administer((client) => client.query<{ now: Date }>('select clock_timestamp() as now'));
            const there = ((await asked()).rows[0]?.now.getTime() ?? 0) - Date.now();
            say(`Postgres is ${Math.round(there / 1000)} s ahead`);
            return Math.abs(there / 1000 - ahead) < nearS ? 1 : 0;
          },
        }),
    },
  ];
}
