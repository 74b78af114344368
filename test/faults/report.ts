import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Durations, durationsOf } from './crash/recovery.ts';
import type { Kill } from './crash/sweep.ts';
import { type Hurt, told } from './hurt.ts';
import type { Options } from './options.ts';

/** A report for machines and for people. */
export interface Report {
  readonly name: string;
  readonly passed: boolean;
  readonly json: unknown;
  readonly markdown: string;
}

const folder = join(import.meta.dirname, '../../docs/reliability');

/** Of a run by a plan: passed when every promise held, everything was drained, no fault had to complain, and every service got on in time. */
export async function reportOfHurt(options: Options, result: Hurt, gateMs: number): Promise<Report> {
  const { seed, minutes, replicas } = options;
  const { done, recoveries, verdict, drainedMs } = result;
  const complaints = done.filter(({ complaint }) => complaint !== undefined);
  const inTime = (recoveries.service?.mostMs ?? 0) <= gateMs && (recoveries.replica?.mostMs ?? 0) <= gateMs;
  const passed = verdict.allHeld && drainedMs !== undefined && complaints.length === 0 && inTime;
  const kinds = [...Map.groupBy(done, ({ kind }) => kind)];
  const faults = Object.fromEntries(kinds.map(([kind, all]) => [kind, all.length]));
  const about = await circumstances();
  const hurt = Object.fromEntries(
    kinds.map(([kind, all]) => [kind, all.reduce((sum, one) => sum + (one.hurt ?? 0), 0)] as const).filter(([, sum]) => sum > 0),
  );
  const harmless = done.filter(({ hurt: times }) => times === 0).map(({ name }) => name);
  const { stories, historyFile, done: _, ...rest } = result;
  const json = { seed, minutes, replicas, passed, ...about, faults, hurt, harmless, complaints, ...rest };
  const markdown = [
    `# Faults of seed ${seed} for ${minutes} minutes: ${passed ? 'passed' : 'not passed'}`,
    '',
    `${replicas} processes of every service; ${about.machine}; commit ${about.commit}; ${about.at}.`,
    '',
    `- Faults: ${done.length}. ${told(faults)}.`,
    `- Whom they hurt, counted where they were done (connections, statements, answers): ${told(hurt)}. Faults that hurt nobody: ${harmless.length}${harmless.length > 0 ? ` (${harmless.join('; ')})` : ''}.`,
    `- Releases: ${told(result.releases)}.`,
    `- What load clients were answered: ${told(result.answers)}.`,
    `- Processes killed: ${result.killed}. From the kill of a whole service to its next progress: ${durations(recoveries.service)}; of one replica: ${durations(recoveries.replica)}. Gate: ${gateMs / 1000} s.`,
    `- Drained ${drainedMs === undefined ? 'not within 60 s' : `${(drainedMs / 1000).toFixed(1)} s`} after the last fault.`,
    ...complaints.map(({ name, complaint }) => `- **${name}: ${complaint}**`),
    '',
    '| promise | | examined | state |',
    '|---|---|---|---|',
    ...verdict.findings.map(
      ({ promise, title, counts, state, breaches, unexamined }) =>
        `| ${promise} | ${title} | ${told(counts)} | ${state === 'broken' ? `**broken** ${breaches.length} times` : state}${unexamined === undefined ? '' : `: ${unexamined}`} |`,
    ),
    '',
  ].join('\n');
  return { name: `faults-seed-${seed}-${minutes}-min`, passed, json, markdown };
}

/** Of a sweep over the crash points. */
export async function reportOfSweep(options: Options, kills: readonly Kill[], gateMs: number): Promise<Report> {
  const about = await circumstances();
  const recovery = durationsOf(kills.flatMap(({ progressMs }) => progressMs ?? []));
  const lost = kills.filter(({ end }) => end === 'lost');
  const notReached = kills.filter(({ end }) => end === 'not reached');
  const arrived = kills.filter(({ end }) => end === 'arrived');
  const passed = lost.length === 0 && (recovery?.mostMs ?? 0) <= gateMs;
  const late = kills.filter(({ progressMs = 0 }) => progressMs > gateMs);
  const services = Map.groupBy(kills, ({ point }) => point.split(' · ')[0] as string);
  const json = { seed: options.seed, replicas: options.replicas, passed, ...about, recovery, kills };
  const markdown = [
    `# kill -9 at ${kills.length} crash points: ${passed ? 'passed' : 'not passed'}`,
    '',
    `${options.replicas === 1 ? 'One process' : `${options.replicas} processes`} of every service; ${about.machine}; commit ${about.commit}; ${about.at}.`,
    '',
    `- Killed and arrived all the same: ${arrived.length}; lost: ${lost.length}; not passed this time: ${notReached.length}.`,
    `- From the kill to the service's next progress: ${durations(recovery)}. Gate: ${gateMs / 1000} s.`,
    ...lost.map(({ point, story, why }) => `- **Lost at ${point} (${story}): ${why}**`),
    ...late.map(({ point, progressMs = 0 }) => `- **Late after ${point}: ${(progressMs / 1000).toFixed(1)} s**`),
    ...notReached.map(({ point }) => `- Not passed: ${point}`),
    '',
    '| service | points | from kill to progress |',
    '|---|---|---|',
    ...[...services].map(
      ([service, of]) => `| ${service} | ${of.length} | ${durations(durationsOf(of.flatMap(({ progressMs }) => progressMs ?? [])))} |`,
    ),
    '',
  ].join('\n');
  return { name: `crash-points-${options.replicas}-of-each`, passed, json, markdown };
}

/** Gives the files. */
export async function writeReport({ name, json, markdown }: Report): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = [join(folder, `${name}.json`), join(folder, `${name}.md`)] as const;
  await writeFile(files[0], `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(files[1], markdown);
  return [...files];
}

function durations(all: Durations | undefined): string {
  if (all === undefined) return 'not measured';
  return `median ${(all.medianMs / 1000).toFixed(1)} s, at most ${(all.mostMs / 1000).toFixed(1)} s (${all.count} measured)`;
}

async function circumstances(): Promise<{ at: string; commit: string; machine: string }> {
  const { stdout } = await promisify(execFile)('git', ['-C', folder.replace(/\/docs.*/, ''), 'rev-parse', '--short', 'HEAD'], {
    timeout: 10_000,
  }).catch(() => ({
    stdout: 'unknown',
  }));
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Linux ${release()}, Node ${process.versions.node}`;
  return { at: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`, commit: stdout.trim(), machine };
}
