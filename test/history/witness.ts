import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TrustFile } from '@slipway/identity';
import { DockerWatch } from './docker-watch.ts';
import type { Canary, History, Text, TopicRecord } from './history.ts';
import type { LoadLog } from './load-log.ts';
import { Neighbour } from './neighbour.ts';
import { pagesOf, type SuiteAt } from './pages.ts';
import { readRegistry } from './read-registry.ts';
import { readRepository } from './read-repository.ts';
import { readTables, timeIn } from './read-tables.ts';
import { readTopics } from './read-topics.ts';

/** Where to look. Straight at the parts: no proxy that a fault may close may stand between. */
export interface Where {
  readonly title: string;
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  /** As in `DOCKER_HOST`. */
  readonly dockerHost: string;
  /** As the images' names have it: `localhost:5000`. */
  readonly registry: string;
  readonly installation: string;
  /** The trust file the services read. */
  readonly trustFile: string;
}

/** What only the run itself knows, handed over at its end. */
export interface Kept {
  readonly load?: LoadLog | undefined;
  /** Repositories of the run's projects: their folders, or, for Subversion, the folder of the repository itself. */
  readonly repositories?: readonly { readonly project: string; readonly folder: string; readonly system?: 'git' | 'svn' }[];
  /** Secrets beside the administrator's token and what lies in the suite's folder of secrets. All are to be good for nothing once the run is over. */
  readonly canaries?: readonly Canary[];
  /** What no secret may stand in is read of it, and the secrets themselves: every log, every page, and what lies in its folder of secrets. */
  readonly suite?: SuiteAt;
  readonly faultsEnded?: Date | undefined;
  /** Repositories in the registry beside those that builds name. */
  readonly images?: readonly string[];
}

/**
 * Keeps, from start on, what can only be kept while it happens (the Engine forgets all but its last events), and reads everything else when the run
 * is over. It outlives restarts of every part.
 */
export class Witness {
  /** Resolves once it hears the Engine; start it before anything is deployed. @throws Error where the Engine does not answer. */
  static async start(where: Where): Promise<Witness> {
    const docker = await DockerWatch.start(where.dockerHost, where.installation);
    return new Witness(where, docker, Neighbour.every(lookMs), new Date().toISOString());
  }

  readonly #where: Where;
  readonly #docker: DockerWatch;
  readonly #neighbour: Neighbour;
  readonly #from: string;

  private constructor(where: Where, docker: DockerWatch, neighbour: Neighbour, from: string) {
    this.#where = where;
    this.#docker = docker;
    this.#neighbour = neighbour;
    this.#from = from;
  }

  /** Reads everything; may be asked again. @throws Error naming the part that cannot be read. */
  async history(kept: Kept = {}): Promise<History> {
    const { title, installation, topicPrefix, databaseUrl, trustFile } = this.#where;
    const docker = await part('Docker', () => this.#docker.history());
    const topicsAt = await part('the clock of Postgres', () => timeIn(databaseUrl));
    const topics = await part('Kafka', () => readTopics(this.#where));
    const inTopics = new Set(topics.records.map(({ headers }) => headers['ce_id'] ?? ''));
    const tables = await part('Postgres', () => readTables(databaseUrl, inTopics));
    const images = imagesOf(topics.records, kept.images ?? []);
    const registry = await part('the registry', () => readRegistry(this.#where.registry, images));
    const repositories = await part('the repositories', () => Promise.all((kept.repositories ?? []).map(readRepository)));
    // Last of all: what everything has come to is to be read at once.
    const shown = kept.suite === undefined ? { canaries: [], texts: [] } : await part('the suite', () => readSuite(kept.suite as SuiteAt));
    const processes = [...this.#neighbour.pieces()].map(({ where, content }): Text => ({ is: 'process', where, text: String(content) }));
    return {
      about: {
        title,
        installation,
        topicPrefix,
        from: this.#from,
        until: new Date().toISOString(),
        topicsAt,
        faultsEnded: kept.faultsEnded?.toISOString(),
        trust: TrustFile.parse(JSON.parse(await readFile(trustFile, 'utf8'))),
        canaries: [...(kept.canaries ?? []), ...shown.canaries],
        gaps: topics.gaps,
      },
      records: topics.records,
      places: topics.places,
      tables,
      docker,
      registry: registry.registry,
      seen: kept.load?.seen ?? [],
      repositories,
      texts: [...registry.texts, ...shown.texts, ...processes],
    };
  }

  /** Stops listening. */
  async stop(): Promise<void> {
    this.#neighbour.close();
    await this.#docker.stop();
  }
}

/** How often the processes of the machine are looked at: Git and Subversion come and go, and enough of them are met. */
const lookMs = 1_000;

async function part<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`the witness cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Shorter than this, and it may stand anywhere by chance. */
const shortestSecret = 8;

/** What a suite shows and writes, and what of its secrets is to be looked for in all that. */
async function readSuite(suite: SuiteAt): Promise<{ canaries: Canary[]; texts: Text[] }> {
  const pages = await pagesOf(suite);
  const logs = (await filesIn(join(suite.dataDir, 'logs'))).map(({ path, text }): Text => ({ is: 'log', where: path, text }));
  const secrets = (await filesIn(join(suite.dataDir, 'secrets'))).map(({ path, text }) => ({ name: path, value: text.trim() }));
  const all = [{ name: 'the token of the administrator', value: suite.token }, ...secrets];
  const each = new Map(all.map((canary) => [canary.value, canary]));
  return { canaries: [...each.values()].filter(({ value }) => value.length >= shortestSecret), texts: [...pages, ...logs] };
}

async function filesIn(folder: string): Promise<{ path: string; text: string }[]> {
  // Services within the process of a test have no folder of logs.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(files.map(async (file) => ({ path: relative(folder, file), text: await readFile(file, 'utf8') })));
}

/** The repositories that builds named, with the digests they named. */
function imagesOf(records: readonly TopicRecord[], more: readonly string[]): Map<string, Set<string>> {
  const images = new Map<string, Set<string>>(more.map((repository) => [repository, new Set()]));
  for (const { headers, value } of records) {
    if (!headers['ce_type']?.startsWith('slipway.image.built.') || value === null) continue;
    const image = imageIn(value);
    // Services may reach it by another name than the witness: what stands before the first slash is that name.
    const repository = image?.repository?.replace(/^[^/]*\//, '');
    if (repository === undefined || image?.repository === repository) continue;
    images.set(repository, (images.get(repository) ?? new Set()).add(image?.digest ?? ''));
  }
  return images;
}

/** Nothing is believed here: what a forger named is asked for, and not found. */
function imageIn(value: Buffer): { repository?: string; digest?: string } | undefined {
  try {
    return (JSON.parse(value.toString('utf8')) as { image?: { repository?: string; digest?: string } }).image;
  } catch {
    return undefined;
  }
}
