import type { End } from '../history/index.ts';
import type { Hurt } from './hurt.ts';
import type { Options } from './options.ts';
import { wholeMinutes } from './plan.js';
import { aimMs, judgeRecoveries, overloaded, type ServiceRecovery } from './recoveries.ts';
import {
  amissOf,
  because,
  circumstances,
  durations,
  outcomeOf,
  promisesTable,
  type Report,
  type Shortcomings,
  seconds,
  table,
  told,
  unexaminedOf,
} from './report.ts';

/** As many for each processor before anything of the run began, and somebody else was at work. */
const busyBefore = 1;

/**
 * Of a run by a plan. It passed when every promise held, every release came to the end its commit deserved, everything was drained, no fault had to complain and
 * every service got on in time; what was not examined, reached or measured makes it incomplete.
 */
export async function reportOfHurt(options: Options, result: Hurt, gateMs: number): Promise<Report> {
  const { seed, minutes, replicas } = options;
  const recoveries = judgeRecoveries(result.recovered, gateMs);
  const unmet = unmetKinds(result);
  const short = shortcomingsOf(result, recoveries, { gateMs, unmet: minutes < wholeMinutes ? [] : unmet });
  const outcome = outcomeOf(short);
  const about = await circumstances();
  const { stories: _, historyFile: __, ...rest } = result;
  const again = `npm run faults -- --seed ${seed} --minutes ${minutes}${replicas === 2 ? '' : ` --replicas ${replicas}`}${options.only === '' ? '' : ` --only "${options.only}"`}`;
  const json = { seed, minutes, replicas, only: options.only, outcome, ...short, ...about, gateMs, recoveries, ...rest };
  const markdown = [
    `# Faults of seed ${seed} for ${minutes} minutes: ${outcome}`,
    '',
    `${replicas} processes of every service; ${about.machine}; commit ${about.commit}; ${about.at}. To do the same again: \`${again}\`.`,
    '',
    ...because(short),
    ...summary(result),
    ...(unmet.length > 0 && minutes < wholeMinutes
      ? [`- Not met in a run of less than ${wholeMinutes} minutes: ${unmet.join('; ')}.`]
      : []),
    '',
    '## The eleven promises',
    '',
    ...promisesTable(result.verdict),
    '## From kill -9 of a service to its next progress',
    '',
    `Every process of one service is killed while people go on working and nothing else is amiss. At most ${gateMs / 1000} s, aim ${aimMs / 1000} s, to the first thing it commits or publishes and to the first event it takes in.`,
    '',
    ...recoveryTable(recoveries),
    `After kills of the plan, with whatever else was to be done or nothing at all: a whole service ${durations(result.underFaults.service)}; one replica ${durations(result.underFaults.replica)}.`,
    '',
    '## What releases came to',
    '',
    'Last of all. A good commit may not fail whatever is done to parts and processes, and a bad one may not pass; only what is newer overtakes, and only people give up.',
    '',
    ...endsTable(result.ends),
    '## Faults',
    '',
    ...table(
      ['after', 'for', 'kind', 'what', 'hurt'],
      result.done.map(({ at, seconds: long, kind, name, hurt, complaint }) => [
        `${at} s`,
        long === 0 ? '' : `${long} s`,
        kind,
        `${name}${complaint === undefined ? '' : ` **${complaint}**`}`,
        hurt ?? '',
      ]),
    ),
    'Hurt: how many questions were cut off, answers lost, statements refused, leases taken over or processes hit, counted where it was done.',
    '',
  ].join('\n');
  return { name: `faults-seed-${seed}-${minutes}-min${options.only === '' ? '' : '-some'}`, outcome, json, markdown };
}

/** Kinds that were not done, or never met the work they are meant to meet. What weighs less than one may be left out of a plan, and is told all the same. */
function unmetKinds({ kinds, done }: Hurt): string[] {
  return kinds.flatMap(({ name, weight = 1 }) => {
    const those = done.filter(({ kind }) => kind === name);
    if (those.length === 0) return weight < 1 ? [] : [`${name}: not once in this plan`];
    return those.some(({ hurt = 0 }) => hurt > 0) ? [] : [`${name}: done ${those.length} times, and it met nothing`];
  });
}

function shortcomingsOf(
  result: Hurt,
  recoveries: readonly ServiceRecovery[],
  { gateMs, unmet }: { readonly gateMs: number; readonly unmet: readonly string[] },
): Shortcomings {
  const { verdict, drainedMs, done, armed, reached, ends } = result;
  const late = recoveries.filter(({ state }) => state === 'late');
  const unmeasured = recoveries.filter(({ state }) => state === 'not measured');
  const noPoint = armed > 0 && reached.length === 0;
  return {
    amiss: [
      ...amissOf(verdict, drainedMs),
      ...done.flatMap(({ name, complaint }) => (complaint === undefined ? [] : [`${name}: ${complaint}`])),
      ...ends.flatMap(({ release, wrong }) => wrong.map((why) => `${release.project}/${release.number}: ${why}`)),
      ...late.map(({ service }) => `${service} took longer than ${gateMs / 1000} s to get on after kill -9`),
    ],
    missing: [
      ...result.missing,
      ...unmet,
      ...unexaminedOf(verdict),
      ...unmeasured.map(
        ({ service, onOverloaded }) =>
          `how fast ${service} gets on after kill -9${onOverloaded > 0 ? `: the machine was overloaded at all ${onOverloaded} kills, and it was late at one of them` : ''}`,
      ),
      ...(noPoint ? [`crash points: of ${armed} times some were armed nobody came to any`] : []),
    ],
  };
}

function summary(result: Hurt): string[] {
  const { done, drainedMs, releases, answers, killed, armed, reached, load } = result;
  const kinds = Object.fromEntries([...Map.groupBy(done, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length]));
  const seldom = result.kinds.flatMap(({ name, weight = 1 }) => (weight < 1 && !(name in kinds) ? [name] : []));
  const harmless = done.filter(({ hurt }) => hurt === 0).map(({ name }) => name);
  const loads = `before the run ${load.before.toFixed(1)}, median ${load.median.toFixed(1)}, at most ${load.most.toFixed(1)}`;
  return [
    `- Faults: ${done.length}. ${told(kinds)}.${seldom.length > 0 ? ` Not in this plan, as they are seldom: ${seldom.join('; ')}.` : ''}${harmless.length > 0 ? ` Nobody noticed ${harmless.length}: ${harmless.join('; ')}.` : ''}`,
    `- Crash points: ${armed} times some were armed; killed there: ${reached.join('; ') || 'nobody'}.`,
    `- Releases: ${told(releases)}.`,
    `- What load clients were answered: ${told(answers)}.`,
    `- Kills: ${killed} by the plan, ${result.recovered.length} of whole services after it.`,
    `- Drained ${drainedMs === undefined ? 'not within 60 s' : `${seconds(drainedMs)}`} after the last fault.`,
    `- Waiting for a processor, per processor: ${loads}.${load.before > busyBefore ? ' **Somebody else was at work on this machine when the run began.**' : ''}`,
  ];
}

function endsTable(ends: readonly End[]): string[] {
  const alike = [...Map.groupBy(ends, ({ turn = 'nobody said', end }) => `${turn} | ${end}`).values()];
  const rows = alike.map((all) => {
    const [{ turn = 'nobody said', end }] = all as [End];
    const wrong = all.filter((one) => one.wrong.length > 0).length;
    const names = all.map(({ release }) => `${release.project}/${release.number}`);
    return [
      turn,
      end,
      all.length,
      wrong === 0 ? 'yes' : `**not ${wrong}**`,
      names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')} …`,
    ];
  });
  return table(
    ['what the commit is like', 'what was said last', 'releases', 'rightly', 'which'],
    rows.toSorted((one, other) => (String(one) < String(other) ? -1 : 1)),
  );
}

function recoveryTable(recoveries: readonly ServiceRecovery[]): string[] {
  return table(
    ['service', 'kills', 'first progress, median', 'at most', 'first event taken in, median', 'at most', ''],
    recoveries.map(({ service, kills, progress, hearing, never, slow, state }) => [
      service,
      kills,
      seconds(progress?.medianMs),
      seconds(progress?.mostMs),
      seconds(hearing?.medianMs),
      seconds(hearing?.mostMs),
      `${state === 'in time' ? `in time${Math.max(hearing?.mostMs ?? 0, slow?.mostMs ?? 0) > aimMs ? ', later than aimed at' : ''}` : `**${state}**`}${never > 0 ? `, ${never} times not within a minute` : ''}${slow === undefined ? '' : `; ${seconds(slow.mostMs)} at most on an overloaded machine (more than ${overloaded} waiting per processor), where only being in time says anything`}`,
    ]),
  );
}
