import { Injectable } from '@nestjs/common';
import type { SecretVersioned } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Knowledge } from './ports.js';
import { Reconsidering } from './reconsidering.js';

/** A secret has another value: grants bound to the old one no longer stand. */
@Injectable()
export class OnSecretVersioned implements Handler<typeof SecretVersioned> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly reconsidering: Reconsidering,
  ) {}

  async handle({ data, source }: Received<typeof SecretVersioned>, unit: UnitOfWork): Promise<void> {
    await this.knowledge.keepSecrets(unit.tx, data.project, source, data.secrets);
    await this.reconsidering.project(unit, data.project);
  }
}
