import type { Canary, History, Text } from './history.ts';
import type { LoadLog } from './load-log.ts';

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
  static async start(where: Where): Promise<Witness> {
    return new Witness(where);
  }

  readonly #where: Where;

  private constructor(where: Where) {
    this.#where = where;
  }

  /** Reads everything; may be asked again. @throws Error naming the part that cannot be read. */
  async history(kept: Kept = {}): Promise<History> {
    throw new Error(`${this.#where.title}: not yet (${Object.keys(kept).join()})`);
  }

  /** Stops listening. */
  async stop(): Promise<void> {}
}
