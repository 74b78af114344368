import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** What rests longer than this, in ms, comes seldom: hourly, or daily. */
const seldomMs = 10 * 60_000;

/** From now on what would come seldom by the clock comes within seconds: no story waits for an hour. */
export function hasten(soonMs = 10_000): void {
  const { setTimeout: wait } = timers;
  const sooner = (ms = 0, ...rest: unknown[]) => Reflect.apply(wait, timers, [ms > seldomMs ? soonMs : ms, ...rest]) as Promise<unknown>;
  Object.assign(timers, { setTimeout: sooner });
  syncBuiltinESMExports();
}
