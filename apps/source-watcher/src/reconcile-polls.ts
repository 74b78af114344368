import { Injectable } from '@nestjs/common';
import { owe } from '@slipway/operations';
import { Database } from '@slipway/postgres';
import { pollKey, pollKind } from './polling.js';
import { Sources } from './ports.js';

/** Deliveries are kept this long; GitHub lets people send them again for three days. */
const keptDays = 30;

/** Every source is polled, whatever became of its operation; old deliveries go. */
@Injectable()
export class ReconcilePolls {
  readonly name = 'polls';
  readonly everySeconds = 60;

  constructor(
    private readonly sources: Sources,
    private readonly database: Database,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for (const input of await this.sources.live()) {
      signal.throwIfAborted();
      await this.database.transaction((tx) => owe(tx, { kind: pollKind, key: pollKey(input), input }));
    }
    await this.sources.forgetDeliveries(keptDays);
  }
}
