import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { cacheDir, hashOf } from './cache.ts';
import { messageOf } from './until.ts';

const run = promisify(execFile);
const pom = join(import.meta.dirname, 'kafka', 'pom.xml');
const list = join(import.meta.dirname, 'kafka', 'jars.sha256');

/**
 * The folder with the broker's jars, each checked against jars.sha256. They come from Maven Central, once; after that from the cache. Throws when
 * one is not what the list says, whether it was just fetched or lay in the cache.
 */
export async function kafkaJars(maven: string | undefined): Promise<string> {
  const wanted = parse(await readFile(list, 'utf8'));
  const cache = await cacheDir('kafka');
  const folder = join(cache, hashOf(await readFile(list, 'utf8')));
  const wrong = await firstWrong(folder, wanted);
  if (wrong === undefined) return folder;
  if (maven === undefined)
    throw new Error('Maven is needed to fetch the Kafka broker (apt-get install maven), or name a Kafka in KAFKA_BROKERS.');
  const fresh = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    await fetchJars(maven, fresh);
    const bad = await firstWrong(fresh, wanted);
    if (bad !== undefined) throw new Error(`The Kafka jars that Maven fetched are not those of ${list}: ${bad}`);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder).catch(async (error: unknown) => {
      // Another run was faster; what it put there must be right all the same.
      if ((await firstWrong(folder, wanted)) !== undefined) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function fetchJars(maven: string, folder: string): Promise<void> {
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`];
  // Without performance data, which Java would leave in the temporary folder.
  const env = { ...process.env, MAVEN_OPTS: `${process.env['MAVEN_OPTS'] ?? ''} -XX:-UsePerfData` };
  await run(maven, args, { env, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 }).catch((error: { stdout?: string } & Error) => {
    throw new Error(
      `Maven could not fetch the Kafka broker: ${(error.stdout ?? '').split('\n').slice(0, 8).join('\n') || messageOf(error)}`,
    );
  });
}

/** What is wrong with a folder of jars, in words; undefined when each is there and as listed, and nothing else is. */
async function firstWrong(folder: string, wanted: Map<string, string>): Promise<string | undefined> {
  const there = await readdir(folder).catch(() => undefined);
  if (there === undefined) return 'the folder is missing';
  const extra = there.find((name) => !wanted.has(name));
  if (extra !== undefined) return `${extra} is not in the list`;
  for (const [name, sha256] of wanted) {
    if (!there.includes(name)) return `${name} is missing`;
    if ((await sha256Of(join(folder, name))) !== sha256) return `${name} has another checksum`;
  }
  return undefined;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function parse(text: string): Map<string, string> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));
  return new Map(lines.map(([sha256, name]) => [name ?? '', sha256 ?? '']));
}
