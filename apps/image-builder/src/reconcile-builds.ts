import { Injectable } from '@nestjs/common';
import { Messaging } from '@slipway/messaging';
import type { Reconciliation } from '@slipway/operations';
import { Builds } from './ports.js';
import { Settling } from './settling.js';

/** A build that is not at an end has its work owed, whatever happened to the rows in between. Owing what is owed changes nothing. */
@Injectable()
export class ReconcileBuilds implements Reconciliation {
  readonly name = 'builds';
  readonly everySeconds = 60;

  constructor(
    private readonly builds: Builds,
    private readonly settling: Settling,
    private readonly messaging: Messaging,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for (const build of await this.builds.open()) {
      if (signal.aborted) return;
      await this.messaging.transact(async (unit) => {
        const kept = await this.builds.find(unit.tx, build.release.id);
        if (kept && (kept.build.state === 'queued' || kept.build.state === 'building'))
          await this.settling.owe(unit, kept.build, kept.cause);
      });
    }
  }
}
