import { Injectable } from '@nestjs/common';
import type { PersonChanged } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { People } from './ports.js';

/** Where somebody is reached, and in which language. */
@Injectable()
export class OnPersonChanged implements Handler<typeof PersonChanged> {
  constructor(private readonly people: People) {}

  async handle({ data }: Received<typeof PersonChanged>, unit: UnitOfWork): Promise<void> {
    await this.people.keep(unit.tx, data.person, data.version);
  }
}
