import { durationsOf } from './crash/recovery.ts';
import type { Options } from './options.ts';
import {
  amissOf,
  because,
  circumstances,
  durations,
  outcomeOf,
  promisesTable,
  type Report,
  seconds,
  table,
  unexaminedOf,
} from './report.ts';
import type { Sitting } from './sweep-points.ts';

export interface Swept {
  /** The points it was to be about. */
  readonly wanted: readonly string[];
  /** Places of the code without any point: no story comes to them. */
  readonly unreached: readonly string[];
  /** Every one of them is held against the promises: what one broke, another does not mend. */
  readonly sittings: readonly Sitting[];
  readonly gateMs: number;
}

/** Of a sweep over crash points. What nobody came to, or was not tried any more, makes it incomplete; of all points, also what no story comes to. */
export async function reportOfSweep(options: Options, { wanted, unreached, sittings, gateMs }: Swept): Promise<Report> {
  const about = await circumstances();
  const kills = sittings
    .flatMap((sitting) => sitting.kills.map((kill) => ({ ...kill, commit: sitting.commit })))
    .filter(({ point }) => wanted.includes(point));
  const last = new Map(kills.map((kill) => [kill.point, kill]));
  const ends = [...last.values()];
  const lost = ends.filter(({ end }) => end === 'lost');
  const notReached = ends.filter(({ end }) => end === 'not reached');
  const late = ends.filter(({ progressMs = 0 }) => progressMs > gateMs);
  const unmeasured = ends.filter(({ end, progressMs }) => end === 'arrived' && progressMs === undefined);
  const left = wanted.filter((point) => !last.has(point));
  const short = {
    amiss: [
      ...sittings.flatMap(({ verdict, drainedMs, at }) => amissOf(verdict, drainedMs).map((why) => `${why} (sitting of ${at})`)),
      ...lost.map(({ point, story, why }) => `Lost at ${point} (${story}): ${why}`),
      ...late.map(({ point, progressMs = 0 }) => `Late after ${point}: ${(progressMs / 1000).toFixed(1)} s`),
    ],
    missing: [
      ...sittings.flatMap(({ verdict, at }) => unexaminedOf(verdict).map((why) => `${why} (sitting of ${at})`)),
      ...notReached.map(({ point }) => `${point}: nobody came by, though its story was told`),
      ...unmeasured.map(({ point }) => `${point}: no progress of the service was seen after the kill`),
      ...(options.points === undefined && options.only === '' && unreached.length > 0
        ? [`${unreached.length} places of the code that no story comes to: ${unreached.join('; ')}`]
        : []),
      ...(left.length > 0 ? [`${left.length} of ${wanted.length} points were not tried yet`] : []),
    ],
  };
  const outcome = outcomeOf(short);
  const services = Map.groupBy(ends, ({ point }) => point.split(' · ')[0] as string);
  const again = `npm run faults -- --points ${options.points ?? 'all'}${options.only === '' ? '' : ` --only "${options.only}"`}${options.replicas === 2 ? '' : ` --replicas ${options.replicas}`} --seed ${options.seed}`;
  const mended = kills.filter((kill) => kill.end === 'lost' && last.get(kill.point)?.end === 'arrived');
  const json = { seed: options.seed, replicas: options.replicas, outcome, ...short, ...about, gateMs, sittings };
  const markdown = [
    `# kill -9 at ${ends.length} of ${wanted.length} crash points: ${outcome}`,
    '',
    `${options.replicas === 1 ? 'One process' : `${options.replicas} processes`} of every service; ${about.machine}; commit ${about.commit}; ${about.at}. To do the same again: \`${again}\`.`,
    '',
    ...because(short),
    `- Killed and arrived all the same: ${ends.filter(({ end }) => end === 'arrived').length}; lost: ${lost.length}; not reached: ${notReached.length}; not tried: ${left.length}.`,
    `- From the kill to the service's next progress: ${durations(durationsOf(ends.flatMap(({ progressMs }) => progressMs ?? [])))}. Gate: ${gateMs / 1000} s.`,
    ...mended.map(({ point, commit, why }) => `- Lost at commit ${commit}, and not any more: ${point} (${why})`),
    '',
    ...table(
      ['service', 'points', 'arrived', 'from kill to progress'],
      [...services].map(([service, of]) => [
        service,
        of.length,
        of.filter(({ end }) => end === 'arrived').length,
        durations(durationsOf(of.flatMap(({ progressMs }) => progressMs ?? []))),
      ]),
    ),
    ...sittings.flatMap(({ at, commit, kills: { length }, drainedMs, verdict }) => [
      `## The eleven promises after ${length} kills at commit ${commit}, ${at}`,
      '',
      `Drained ${drainedMs === undefined ? 'not within 60 s' : seconds(drainedMs)} after the last kill.`,
      '',
      ...promisesTable(verdict),
    ]),
  ].join('\n');
  const some = options.points === undefined && options.only === '' ? '' : '-some';
  return { name: `crash-points-${options.replicas}-of-each${some}`, outcome, json, markdown };
}
