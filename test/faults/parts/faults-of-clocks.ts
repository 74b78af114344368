import { type Service, services } from '@slipway/contracts';
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

/** Clocks that jump (facts/reliability.md 1.6 T01, T02). A jump hurts nobody who does not go by that clock, so what is counted is whether it jumped. */
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
          begin: async () => {
            await clocks.of[service].set(by);
            return 1;
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
          name: `the clock of Postgres jumps an hour ahead`,
          begin: async ({ say }) => {
            ahead += hour;
            await clocks.postgres.set(ahead);
            const asked = () => postgres.administer((client) => client.query<{ now: Date }>('select clock_timestamp() as now'));
            const there = ((await asked()).rows[0]?.now.getTime() ?? 0) - Date.now();
            say(`Postgres is ${Math.round(there / 1000)} s ahead`);
            return 1;
          },
        }),
    },
  ];
}
