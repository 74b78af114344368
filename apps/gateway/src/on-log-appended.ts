import { Injectable } from '@nestjs/common';
import type { LogAppended } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Logs } from './ports.js';

/** A piece of a build's or container's log goes to the log storage, not to the journal. */
@Injectable()
export class OnLogAppended implements Handler<typeof LogAppended> {
  constructor(private readonly logs: Logs) {}

  async handle(event: Received<typeof LogAppended>, unit: UnitOfWork): Promise<void> {
    await this.logs.keep(unit.tx, event.data);
  }
}
