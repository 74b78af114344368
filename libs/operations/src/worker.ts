import type { Messaging } from '@slipway/messaging';
import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Work } from './work.js';

export interface WorkerOptions {
  readonly database: Database;
  readonly messaging: Pick<Messaging, 'transact'>;
  readonly works: readonly Work[];
  /** A UUID made anew at every start of a process; never the host name, which two processes share. Made here by default. */
  readonly owner?: string;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Looks for due work at least this often, in ms; jittered. Default 1 500. */
  readonly pollMs?: number;
}

/** Works on what is owed. */
export class Worker {
  constructor(private readonly options: WorkerOptions) {}
  start(): void {
    throw new Error(`not built yet ${this.options.works.length}`);
  }
  /** Looks for due work now. */
  wake(_kind?: string): void {}
  async stop(_graceMs: number): Promise<void> {}
}
