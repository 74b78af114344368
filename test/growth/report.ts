import { because, outcomeOf, type Report } from '../faults/report.ts';
import { transitions } from './baseline.ts';
import { countedFrom, type Growth, gatesOf, leftOut, nameOf, short } from './gates.ts';
import type { Judged } from './judging.ts';
import type { SizeRun } from './run-size.ts';
import type { Storm } from './storm.ts';

/** Of sizes, of a storm, or of both. It passed when every gate was kept. */
export function reportOf(growth: Growth): Report {
  const { runs, storm } = growth;
  const missed = gatesOf(growth).filter(({ kept }) => kept === false);
  const found = { amiss: missed.map(({ name, value, gate }) => `${name}: ${value}, gate ${gate}`), missing: [] };
  const outcome = outcomeOf(found);
  const markdown = [
    `# ${[...(runs.length > 0 ? ['Growth'] : []), ...(storm ? ['Storm'] : [])].join(' and ')}: ${outcome}`,
    '',
    `Of commit ${growth.commit}, with seed ${growth.seed}. To do the same again: \`${again(growth)}\`.`,
    '',
    ...because(found),
    bodyOf(growth),
    '',
  ].join('\n');
  return { name: runs.length > 0 ? 'growth' : 'storm', outcome, json: { ...shortened(growth), outcome, ...found }, markdown };
}

function again({ runs, storm, seed }: Growth): string {
  const sizes = runs.length > 0 ? [`--releases ${runs.map(({ releases }) => releases).join(',')}`] : [];
  const stormy = storm ? [`--storm --storm-releases ${storm.stormy.releases}`] : [];
  return ['npm run growth --', ...sizes, ...stormy, `--seed ${seed}`].join(' ');
}

/** Markdown that also reads well on a terminal. */
function bodyOf(growth: Growth): string {
  const { runs, storm } = growth;
  const plainMs = ({ releases }: SizeRun) => growth.baselines.find((each) => each.releases === releases)?.ms ?? 0;
  const [small, large] = [runs[0], runs.at(-1)];
  return [
    `Measured ${growth.at} on`,
    '',
    ...growth.machine.map((line) => `- ${line}`),
    `- load average before ${growth.loadBefore}, after ${growth.loadAfter}; ${(growth.busyBefore * 100).toFixed(0)} % of all cores in use before the start`,
    '',
    ...table(
      ['figure', 'value', 'gate', ''],
      gatesOf(growth).map(({ name, value, gate, kept }) => [
        name,
        value,
        gate,
        kept === undefined ? 'not examined' : kept ? 'kept' : '**missed**',
      ]),
    ),
    '',
    ...table(
      [
        'releases',
        'projects',
        'first birth → last in production',
        'a second',
        'plain script',
        'times its time',
        'commits a release',
        'of the product’s CPU a release',
      ],
      runs.map((run) => [
        ...[String(run.releases), String(run.projects), `${short(run.wallMs / 1000)} s`, short((run.releases * 1000) / run.wallMs)],
        ...[`${short(plainMs(run) / 1000)} s`, `${short(run.wallMs / plainMs(run))}×`],
        ...[short(run.commits / run.releases), `${short((1000 * sum(Object.values(run.cpu))) / run.releases)} ms`],
      ]),
    ),
    '',
    `The plain script takes a release through ${transitions} transactions with 8 connections.`,
    '',
    ...(small && large && small !== large
      ? [
          `Hops that no p99 was compared of, for ${small.releases} releases had fewer than ${countedFrom}: ${leftOut(small.hops, large.hops).join(', ') || 'none'}.`,
          '',
        ]
      : []),
    ...runs.flatMap(detailsOf),
    ...(storm ? stormOf(storm) : []),
  ].join('\n');
}

function detailsOf(run: SizeRun): string[] {
  const worst = [...run.hops].sort((one, other) => other.p99 - one.p99).slice(0, 12);
  return [
    `## ${run.releases} releases`,
    '',
    `CPU in s: ${pairs(run.cpu)}. Memory afterwards in MiB, live and whole: ${memoryOf(run.memory)}.`,
    `An operator’s robot listed ${run.robot.list.length} times (${short(mean(run.robot.list))} ms) and signed ${run.robot.sign.length} times (${short(mean(run.robot.sign))} ms); ${run.robot.failed.length} calls were not answered with a yes.`,
    `Left undone a minute later: ${pairs(run.left) || 'nothing'}.`,
    ...(run.judged ? judgedOf(run.judged) : []),
    '',
    ...table(
      ['slowest hops', 'count', 'p50', 'p99'],
      worst.map((hop) => [nameOf(hop), String(hop.count), `${short(hop.p50)} ms`, `${short(hop.p99)} ms`]),
    ),
    '',
    ...table(
      ['largest tables', 'rows', 'KiB'],
      run.tables.slice(0, 10).map(({ table, rows, kib }) => [table, String(rows), String(kib)]),
    ),
    '',
    ...table(
      ['statements that took most', 'of', 'calls', 'mean', 'all'],
      run.statements
        .slice(0, 12)
        .map(({ query, service, calls, meanMs, totalMs }) => [
          `\`${query.slice(0, 110).replaceAll('|', '\\|')}\``,
          ...[service.replace('slipway_', ''), String(calls), `${short(meanMs)} ms`, `${short(totalMs / 1000)} s`],
        ]),
    ),
    '',
  ];
}

function stormOf({ seed, calm, stormy, blows, share, ...judged }: Storm): string[] {
  return [
    `## ${stormy.releases} releases in a storm, seed ${seed}`,
    '',
    `Without faults ${short(calm.sinceToldMs / 1000)} s, in the storm ${short(stormy.sinceToldMs / 1000)} s: ${short(share * 100)} % of the throughput.`,
    `Blows: ${blows.map(({ s, what }) => `${s.toFixed(0)} s ${what}`).join(', ')}.`,
    `Left undone a minute later: ${pairs(stormy.left) || 'nothing'}.`,
    ...judgedOf(judged),
    '',
  ];
}

function judgedOf({ target, findings }: Judged): string[] {
  return [
    `The target changed something ${target.changes} times; ${target.breaches.length === 0 ? 'no promise was broken there' : `broken: ${target.breaches.slice(0, 20).join('; ')}`}.`,
    '',
    ...(findings.length === 0
      ? ['More releases than are read at once: what does not end at the target was not looked at.']
      : table(
          ['promise', 'state', 'looked at', 'breaches'],
          findings.map(({ promise, title, state, counts, breaches, unexamined }) => [
            `${promise} ${title}`,
            unexamined === undefined ? state : `${state}: ${unexamined}`,
            pairs(counts),
            breaches.map(({ what }) => what).join('; '),
          ]),
        )),
  ];
}

/** What is worth keeping in the repository. */
function shortened(growth: Growth): Growth {
  const short = (run: SizeRun): SizeRun => ({
    ...run,
    curve: run.curve.filter((_, at) => at % Math.ceil(run.curve.length / 40) === 0),
    statements: run.statements.slice(0, 15),
    tables: run.tables.slice(0, 15),
    robot: { list: [mean(run.robot.list)], sign: [mean(run.robot.sign)], failed: run.robot.failed.slice(0, 5) },
  });
  const { storm, runs } = growth;
  return {
    ...growth,
    runs: runs.map(short),
    ...(storm && { storm: { ...storm, calm: short(storm.calm), stormy: short(storm.stormy) } }),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function pairs(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${short(value)}`)
    .join(', ');
}

function memoryOf(memory: SizeRun['memory']): string {
  return Object.entries(memory)
    .map(([service, { live, whole }]) => `${service} ${short(live)} of ${short(whole)}`)
    .join(', ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}
