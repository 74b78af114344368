import { Injectable } from '@nestjs/common';
import type { ProjectApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { Applied } from './ports.js';

/** A project file is in force: the versions of the secrets it names are wanted by approval. */
@Injectable()
export class OnProjectApplied implements Handler<typeof ProjectApplied> {
  constructor(private readonly applied: Applied) {}

  async handle({ id, data }: Received<typeof ProjectApplied>, unit: UnitOfWork): Promise<void> {
    const isNew = await this.applied.keepProject(unit.tx, data.project, data.version, data.file);
    if (isNew && data.file)
      await owe(unit.tx, {
        kind: 'secret-look',
        key: `${data.project}/${data.version}`,
        input: { project: data.project },
        cause: { causationId: id },
      });
  }
}
