import { Injectable } from '@nestjs/common';
import type { PersonChanged } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Recording } from './recording.js';

/** Somebody's roles, keys or addresses changed; whoever signs is judged by what stands here. */
@Injectable()
export class OnPersonChanged implements Handler<typeof PersonChanged> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly recording: Recording,
  ) {}

  async handle(event: Received<typeof PersonChanged>, unit: UnitOfWork): Promise<void> {
    await this.recording.keep(unit, event, 'installation');
    await this.knowledge.keepPerson(unit.tx, event.data.person, event.data.version);
  }
}
