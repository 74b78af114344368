import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustFile } from '@slipway/identity';
import { DockerWatch } from './docker-watch.ts';
import type { Canary, History, Text, TopicRecord } from './history.ts';
import type { LoadLog } from './load-log.ts';
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
  readonly canaries?: readonly Canary[];
  /** Folders of secret files (`SLIPWAY_SECRETS_DIR`): what each file holds may stand nowhere else. They are to be good for nothing once the run is over. */
  readonly secretFolders?: readonly string[];
  /** Logs, pages and lists of processes in which no secret may stand. */
  readonly texts?: readonly Text[];
  /** Files of logs, read whole. */
  readonly logFiles?: readonly string[];
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
    return new Witness(where, await DockerWatch.start(where.dockerHost, where.installation), new Date().toISOString());
  }

  readonly #where: Where;
  readonly #docker: DockerWatch;
  readonly #from: string;

  private constructor(where: Where, docker: DockerWatch, from: string) {
    this.#where = where;
    this.#docker = docker;
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
    const logs = await Promise.all(
      (kept.logFiles ?? []).map(async (file) => ({ is: 'log' as const, where: file, text: await readFile(file, 'utf8') })),
    );
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
        canaries: [...(kept.canaries ?? []), ...(await secretsIn(kept.secretFolders ?? []))],
        gaps: topics.gaps,
      },
      records: topics.records,
      places: topics.places,
      tables,
      docker,
      registry: registry.registry,
      seen: kept.load?.seen ?? [],
      repositories,
      texts: [...registry.texts, ...logs, ...(kept.texts ?? [])],
    };
  }

  /** Stops listening. */
  async stop(): Promise<void> {
    await this.#docker.stop();
  }
}

async function part<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`the witness cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Shorter than this, and it may stand anywhere by chance. */
const shortestSecret = 8;

async function secretsIn(folders: readonly string[]): Promise<Canary[]> {
  const canaries: Canary[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const value = (await readFile(file, 'utf8')).trim();
      if (value.length >= shortestSecret) canaries.push({ name: file.slice(folder.length + 1), value });
    }
  }
  return canaries;
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
