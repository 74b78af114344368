import { type Judged, mostReleases, unheldIn } from './judging.ts';
import type { Hop } from './records.ts';
import type { SizeRun } from './run-size.ts';
import { logLogSlope } from './slope.ts';
import { type Storm, spared } from './storm.ts';

/** Everything a run of the growth tier has seen. */
export interface Growth {
  readonly at: string;
  readonly commit: string;
  readonly seed: number;
  readonly machine: readonly string[];
  readonly loadBefore: string;
  readonly loadAfter: string;
  readonly busyBefore: number;
  readonly baselines: readonly { readonly releases: number; readonly ms: number }[];
  readonly runs: readonly SizeRun[];
  readonly storm?: Storm;
}

/** A figure that must not be missed. */
export interface GateResult {
  readonly name: string;
  readonly value: string;
  readonly gate: string;
  /** Undefined where it was not looked at. */
  readonly kept: boolean | undefined;
}

const memoryNames = { live: 'live memory', whole: 'memory' } as const;

/**
 * What the figures are held against, which is what issue 4 asks for; only those that were taken. The plain script stands in the report for scale, with no
 * gate: it does eight transactions a release and tells nobody, where seven services tell each other and answer, sign and keep what they heard: three
 * hundred commits a release. How many times its time that is says what a hand-off costs, not how it grows.
 */
export function gatesOf({ runs, storm }: Growth): GateResult[] {
  const gates: GateResult[] = [];
  const none = (name: string, which: readonly string[]) =>
    gates.push({ name, value: which.join(', ') || 'none', gate: 'none', kept: which.length === 0 });
  const hold = (name: string, value: number, most: number, unit = '') =>
    gates.push({ name, value: `${short(value)}${unit}`, gate: `at most ${most}${unit}`, kept: value <= most });
  const kept = (when: string, { target, findings }: Judged) => {
    hold(`promises broken at the target ${when}`, target.breaches.length, 0);
    const others = `other promises not held ${when}, by test/history`;
    if (findings.length > 0) none(others, unheldIn(findings));
    else gates.push({ name: others, value: `more than ${mostReleases} releases happened until then`, gate: 'none', kept: undefined });
  };
  const [small, large] = [runs[0], runs.at(-1)];
  if (small && large && small.releases < large.releases) {
    hold(
      'log-log slope of wall clock over releases',
      logLogSlope(runs.map(({ releases, wallMs }) => ({ size: releases, took: wallMs }))),
      1.1,
    );
    const [worst] = growthOfHops(small.hops, large.hops);
    if (worst) hold(`worst p99 of a hop at ${large.releases} to ${small.releases} (${nameOf(worst.hop)})`, worst.ratio, 20, '×');
  }
  const [one, ten] = runs.slice(-2);
  if (one && ten) {
    for (const [service, held] of Object.entries(ten.memory))
      for (const what of ['live', 'whole'] as const)
        hold(
          `${memoryNames[what]} of ${service} after ${ten.releases} more releases, over after ${one.releases}`,
          held[what] - (one.memory[service]?.[what] ?? 0),
          10,
          ' MiB',
        );
  }
  for (const { releases, ended, restarts, left, judged } of [...runs, ...(storm ? [storm.calm] : [])]) {
    hold(`${releases} releases, ended otherwise than in production`, ended, 0);
    none(`${releases} releases, services that ended by themselves`, Object.keys(restarts));
    none(`${releases} releases, left undone a minute later`, Object.keys(left));
    if (judged) kept(`after ${releases} releases`, judged);
  }
  if (storm) {
    none('not hurt in the storm', spared(storm.blows));
    gates.push({
      name: 'throughput in the storm',
      value: `${short(storm.share * 100)} %`,
      gate: 'at least 50 % (aim 80 %)',
      kept: storm.share >= 0.5,
    });
    hold('releases lost in the storm', storm.stormy.ended, 0);
    kept('in the storm', storm);
    none('left undone a minute after the storm', Object.keys(storm.stormy.left));
  }
  return gates;
}

/** Hops of which fewer were seen are held against nothing: they have no p99 worth the name. */
export const countedFrom = 20;

/** The hops both sizes know, by how much their p99 grew, worst first. */
export function growthOfHops(small: readonly Hop[], large: readonly Hop[]): { hop: Hop; before: Hop; ratio: number }[] {
  const before = new Map(small.map((hop) => [nameOf(hop), hop]));
  return large
    .flatMap((hop) => {
      const known = before.get(nameOf(hop));
      return known && known.count >= countedFrom ? [{ hop, before: known, ratio: hop.p99 / Math.max(known.p99, 1) }] : [];
    })
    .sort((one, other) => other.ratio - one.ratio);
}

/** The hops of the large size that were held against nothing. */
export function leftOut(small: readonly Hop[], large: readonly Hop[]): string[] {
  const compared = new Set(growthOfHops(small, large).map(({ hop }) => nameOf(hop)));
  return large.map(nameOf).filter((name) => !compared.has(name));
}

/** A hop in words. */
export function nameOf({ event, from, to }: Hop): string {
  return `${event}: ${from} → ${to}`;
}

/** A figure for people. */
export function short(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}
