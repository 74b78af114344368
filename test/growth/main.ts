import { writeFile } from 'node:fs/promises';
import { Cleanup, exitCodeOf, listenForEnd } from '../../tools/parts/cleanup.ts';
import { busyShare, loads, machine } from '../bench/conditions.ts';
import { circumstances, exitCodes, writeReport } from '../faults/report.ts';
import { plainCommits } from './baseline.ts';
import { Fleet } from './fleet.ts';
import type { Growth } from './gates.ts';
import { makeGround } from './ground.ts';
import { Judging } from './judging.ts';
import { type Options, readOptions } from './options.ts';
import { Records } from './records.ts';
import { reportOf } from './report.ts';
import { Repositories } from './repositories.ts';
import { found, runSize, type SizeRun } from './run-size.ts';
import { runStorm, type Storm } from './storm.ts';

const begun = performance.now();
const say = (text: string): void => void process.stderr.write(`[${((performance.now() - begun) / 1000).toFixed(0)} s] ${text}\n`);
const cleanup = new Cleanup();
const end = listenForEnd(() => process.exit(1));
/** Longer than any retry of the product. */
const stuckMs = 180_000;

process.exitCode = await exitCodeOf(async () => run(readOptions(process.argv.slice(2))), { cleanup, say });
end.release();

/** Measures and reports. Gives what the outcome has for its exit code: 1 where a gate is missed. */
async function run(options: Options): Promise<number> {
  const { at, commit } = await circumstances();
  const [loadBefore, busyBefore] = [loads(), await busyShare()];
  const ground = await makeGround({
    ...{ cleanup, stillWorthIt: end.throwIfAsked, tell: say },
    nodeOptions: options.profile ? ['--cpu-prof', '--cpu-prof-interval=2000', '--cpu-prof-dir=/tmp/growth-profiles'] : [],
  });
  if (options.keep) await ground.dataDir.keep();
  const records = await Records.at(ground.parts.postgres.url);
  cleanup.defer('let go of the database', () => records.close());
  const repositories = await Repositories.serve(ground, cleanup);
  const fleet = await Fleet.open(ground, repositories, end.throwIfAsked);
  const scene = { ground, fleet, records, stuckMs, stillWorthIt: end.throwIfAsked, tell: say };
  const judging = await Judging.begin({ ground, fleet, records });
  cleanup.defer('stop the judge', () => judging.stop());
  const most = Math.max(...options.releases, options.storm ? options.stormReleases : 0);
  const wish = { ...scene, projects: await found({ ...scene, releases: most }) };
  const baselines: { releases: number; ms: number }[] = [];
  const runs: SizeRun[] = [];
  let gone = 0;
  const keep = async ({ storm }: { storm: Storm | undefined }): Promise<Growth> => {
    const conditions = { at, commit, seed: options.seed, machine: await machine(ground.parts), loadBefore, loadAfter: loads(), busyBefore };
    const growth: Growth = { ...conditions, baselines, runs, ...(storm && { storm }) };
    if (options.json !== undefined) await writeFile(options.json, JSON.stringify(growth));
    return growth;
  };
  for (const releases of options.releases) {
    baselines.push({ releases, ms: await plainCommits(ground.parts.postgres.url, releases) });
    say(`${releases} releases: the plain script took ${((baselines.at(-1)?.ms ?? 0) / 1000).toFixed(1)} s`);
    const run = await runSize({ ...wish, releases });
    gone += releases;
    runs.push({ ...run, judged: await judging.judged(gone, say) });
    // A large size after it may take an hour, or not end.
    await keep({ storm: undefined });
  }
  let storm: Storm | undefined;
  if (options.storm) storm = await runStorm({ ...wish, judging }, { releases: options.stormReleases, seed: options.seed, before: gone });
  const growth = await keep({ storm });
  const report = reportOf(growth);
  process.stdout.write(report.markdown);
  if (options.write) say(`written to ${(await writeReport(report)).join(' and ')}`);
  return exitCodes[report.outcome];
}
