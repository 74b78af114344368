import { randomBytes } from 'node:crypto';
import { giveBack } from '../parts/borrowed.ts';
import type { Cleanup, EndRequest } from '../parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../parts/data-dir.ts';
import { type Parts, startParts } from '../parts/index.ts';
import { both } from '../parts/until.ts';
import { compile } from './compiling.ts';
import type { Names } from './demo.ts';
import type { Options } from './options.ts';
import type { Screen } from './screen.ts';

/** What the set-up shares with the program around it. */
export interface Around {
  options: Options;
  screen: Screen;
  cleanup: Cleanup;
  end: EndRequest;
  /** Runs a piece of work as a step on the screen. */
  showing<T>(title: string, work: () => Promise<T>, seen: (made: T) => string): Promise<T>;
}

/** What everything else stands on. */
export interface Ground {
  dataDir: DataDir;
  parts: Parts;
  names: Names;
}

/** Brings up the parts, and compiles the services meanwhile. */
export async function layGround(around: Around): Promise<Ground> {
  const names = newNames();
  const dataDir = await ownDataDir(around);
  const { parts } = await around.showing('Postgres, Kafka, registry and Docker are up', () => startAndCompile(around, dataDir), saidOf);
  const repository = `${parts.registry.url}/${parts.registry.ours ? '' : `${names.installation}/`}shop`;
  if (!around.options.keep)
    around.cleanup.defer('give back what was used in parts that are not ours', () => giveBack(dataDir.path), 60_000);
  return { dataDir, parts, names: { ...names, repository } };
}

async function startAndCompile({ cleanup, screen, end }: Around, dataDir: DataDir): Promise<{ parts: Parts; seconds: number }> {
  const onUp: Parameters<typeof startParts>[0]['onUp'] = (part, seconds) =>
    screen.note(`${part.name} ${part.ours ? 'started' : 'found running'} after ${seconds.toFixed(1)} s`);
  const starting = startParts({ dataDir, durable: false, dockerKind: 'apart', kafkaHeapMiB: 256, cleanup, onUp });
  const [parts, seconds] = await both(starting, compile(end));
  return { parts, seconds };
}

function saidOf({ parts: { postgres, kafka, registry, docker }, seconds }: { parts: Parts; seconds: number }): string {
  return [
    ...[postgres, kafka, registry, docker].map(
      (part) => `${part.name} ${part.ours ? 'started' : 'as it was running'} (${withoutPassword(part.url)})`,
    ),
    `services compiled meanwhile (${seconds.toFixed(1)} s)`,
  ].join('\n');
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

function newNames(): Omit<Names, 'repository'> {
  const installation = `demo-${randomBytes(3).toString('hex')}`;
  return { installation, topicPrefix: `slipway-${installation}.`, project: 'shop' };
}

async function ownDataDir({ options, cleanup, screen }: Around): Promise<DataDir> {
  const dataDir = await temporaryDataDir('demo');
  const keep = async (): Promise<void> => {
    await dataDir.keep();
    screen.say(`  Data and logs are kept in ${dataDir.path}`);
  };
  if (options.keep) cleanup.defer(`let ${dataDir.path} lie`, keep);
  else cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  return dataDir;
}
