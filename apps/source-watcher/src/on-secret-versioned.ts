import { Injectable } from '@nestjs/common';
import type { SecretVersioned } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Births } from './births.js';
import { bornAgainForSecret } from './domain/configuration.js';
import { type Born, Releases, Sources } from './ports.js';

/** A secret has a new version: what uses it becomes a configuration release. The first version heard of is no change. */
@Injectable()
export class OnSecretVersioned implements Handler<typeof SecretVersioned> {
  constructor(
    private readonly sources: Sources,
    private readonly releases: Releases,
    private readonly births: Births,
  ) {}

  async handle(event: Received<typeof SecretVersioned>, unit: UnitOfWork): Promise<void> {
    const { project, secrets } = event.data;
    const source = await this.sources.lock(unit.tx, project);
    if (!source?.file) return;
    const bases = await this.releases.newestBuilt(unit.tx, project);
    const again = new Set<Born>();
    for (const { name, version } of secrets) {
      const changed = await this.sources.secretVersion(unit.tx, { project, name, service: event.source, version });
      if (changed) for (const base of bornAgainForSecret(source.file, name, bases)) again.add(base);
    }
    for (const base of again) await this.births.again(unit, source, base, null);
  }
}
