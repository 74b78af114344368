import { Injectable } from '@nestjs/common';
import type { ProjectApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { cancel, owe } from '@slipway/operations';
import { Births } from './births.js';
import { bornAgain } from './domain/configuration.js';
import { pollKey, pollKind, pollNow } from './polling.js';
import { Releases, Sources } from './ports.js';
import { forgetKind } from './run-forget.js';

/** A project file in force: its source is watched from now on, and what an environment would run otherwise becomes a configuration release. */
@Injectable()
export class OnProjectApplied implements Handler<typeof ProjectApplied> {
  constructor(
    private readonly sources: Sources,
    private readonly releases: Releases,
    private readonly births: Births,
  ) {}

  async handle(event: Received<typeof ProjectApplied>, unit: UnitOfWork): Promise<void> {
    const { project, version, file, by } = event.data;
    const applied = await this.sources.apply(unit.tx, project, version, file);
    if (!applied) return;
    const { before } = applied;
    const now = await this.sources.lock(unit.tx, project);
    if (!now) return;
    if (before?.file && (!file || before.generation !== now.generation)) {
      await cancel(unit.tx, pollKind, pollKey(before), 'the project file names another source, or none');
      await owe(unit.tx, { kind: forgetKind, key: pollKey(before), input: { project, file: before.file } });
    }
    if (!file) return;
    if (before?.file) {
      for (const base of bornAgain(before.file, file, await this.releases.newestBuilt(unit.tx, project)))
        await this.births.again(unit, { project, version }, base, by);
    }
    await pollNow(unit.tx, now);
  }
}
