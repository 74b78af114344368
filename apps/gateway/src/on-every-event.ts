import { Injectable } from '@nestjs/common';
import type { EventDefinition } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { asTold } from '@slipway/release';
import { journalChannel } from './answers.js';
import { scopeOf } from './domain/event-scope.js';
import { Folding } from './folding.js';
import { Journal } from './ports.js';
import { oweLedger } from './run-ledger.js';

/** Whatever happens is kept in the journal as it was received, and folded into the ledger, in one transaction. */
@Injectable()
export class OnEveryEvent implements Handler<EventDefinition> {
  constructor(
    private readonly folding: Folding,
    private readonly journal: Journal,
  ) {}

  async handle(event: Received, unit: UnitOfWork): Promise<void> {
    const told = asTold(event);
    if (!told) throw new Error(`${event.name} is not in the catalog`);
    const { id, name, source, subject, time, sequence, causationId, data } = event;
    await this.folding.fold(unit.tx, { id, name, source, subject, time, sequence, causationId, data } as typeof told);
    await this.journal.append(unit.tx, event, scopeOf(told));
    unit.tx.notify(journalChannel);
    if (told.name === 'command.issued') await oweLedger(unit.tx, told);
  }
}
