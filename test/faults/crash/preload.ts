import { basename, dirname } from 'node:path';
import { hasten } from './hasten.ts';
import { Passing } from './passing.ts';
import { watchKafka } from './watch-kafka.ts';
import { watchOutside } from './watch-outside.ts';
import { watchPostgres } from './watch-postgres.ts';

/**
 * Preloaded into a service (`node --import`), it knows each point the service passes at which a crash could lose something, writes it down, and ends the
 * process by SIGKILL at a point that is armed. No line of the product knows of it: it watches what the process says to Postgres, Kafka and everybody else.
 */
const folder = process.env['SLIPWAY_CRASH_POINTS'];
const service = basename(dirname(dirname(process.argv[1] ?? '')));

if (folder !== undefined && /\/apps\/[a-z-]+\/dist\/main\.js$/.test(process.argv[1] ?? '')) {
  const passing = new Passing(folder, service);
  const types = watchKafka(passing);
  watchPostgres(passing, types);
  watchOutside(passing);
  if (process.env['SLIPWAY_CRASH_HASTENED'] === '1') hasten();
}
