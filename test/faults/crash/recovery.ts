import { type Pass, readPoint } from './board.ts';

/** Commits and publications are progress; that something was claimed or asked for is not yet. */
const progress = new Set(['after commit', 'after commit, before publish', 'after publish, before mark']);

/** Work that comes again by the clock, whether or not anything waits for the service: no sign that it takes new work in. */
const byTheClock = /^run (audit-link|guard|poll|request-clock|secret-look)$|^says (event\.noted|audit\.linked)$/;

/** The first new progress of a killed service: what any process but the dead one committed or published after the kill. Undefined where there was none yet. */
export function progressAfter(killed: Pass, passes: readonly Pass[]): Pass | undefined {
  const { service } = readPoint(killed.point);
  return passes.find(({ point, at, pid }) => {
    if (at < killed.at || pid === killed.pid) return false;
    const passed = readPoint(point);
    return passed.service === service && progress.has(passed.moment) && !byTheClock.test(passed.what);
  });
}

/** The first event a killed service took in after the kill: work that it was told of is no sign yet that it hears. */
export function hearingAfter(killed: Pass, passes: readonly Pass[]): Pass | undefined {
  const { service } = readPoint(killed.point);
  return passes.find(({ point, at, pid }) => {
    if (at < killed.at || pid === killed.pid) return false;
    const passed = readPoint(point);
    return passed.service === service && passed.what.startsWith('on ') && progress.has(passed.moment);
  });
}

/** Of some durations in ms: the median, the longest, how many. */
export interface Durations {
  readonly count: number;
  readonly medianMs: number;
  readonly mostMs: number;
}

export function durationsOf(all: readonly number[]): Durations | undefined {
  if (all.length === 0) return undefined;
  const sorted = all.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const medianMs =
    sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  return { count: sorted.length, medianMs, mostMs: sorted.at(-1) as number };
}
