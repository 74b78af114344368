import { Injectable } from '@nestjs/common';
import type { EventDefinition } from '@slipway/contracts';
import type { Handler, InHand, Received, UnitOfWork } from '@slipway/messaging';
import { asTold, type Told } from '@slipway/release';
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
    await this.handleAll([{ event, unit }]);
  }

  async handleAll(all: readonly InHand[]): Promise<void> {
    const tx = all[0]?.unit.tx;
    if (!tx) return;
    const heard = all.map(({ event }) => ({ event, told: toldOf(event) }));
    await this.folding.fold(
      tx,
      heard.map(({ told }) => told),
    );
    await this.journal.append(
      tx,
      heard.map(({ event, told }) => ({ event, scope: scopeOf(told) })),
    );
    tx.notify(journalChannel);
    for (const { told } of heard) if (told.name === 'command.issued') await oweLedger(tx, told);
  }
}

function toldOf(event: Received): Told {
  const { id, name, source, subject, time, sequence, causationId, data } = event;
  const told = asTold({ id, name, source, subject, time, sequence, causationId, data });
  if (!told) throw new Error(`${name} is not in the catalog`);
  return told;
}
