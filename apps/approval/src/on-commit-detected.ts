import { Injectable } from '@nestjs/common';
import type { CommitDetected } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';

/** Remembers whose change each release is, from its birth. */
@Injectable()
export class OnCommitDetected implements Handler<typeof CommitDetected> {
  constructor(private readonly knowledge: Knowledge) {}

  async handle({ data }: Received<typeof CommitDetected>, unit: UnitOfWork): Promise<void> {
    const { release, people, pusher, trigger, range } = data;
    const triggerPerson = trigger.person?.id ?? null;
    await this.knowledge.keepRelease(unit.tx, { release, people, pusher, triggerPerson, from: range.from, withdrawn: false });
  }
}
