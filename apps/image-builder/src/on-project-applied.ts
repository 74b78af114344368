import { Injectable } from '@nestjs/common';
import type { ProjectApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Builds } from './ports.js';

/** A project file is in force: releases born under it are built as it says. */
@Injectable()
export class OnProjectApplied implements Handler<typeof ProjectApplied> {
  constructor(private readonly builds: Builds) {}

  async handle(event: Received<typeof ProjectApplied>, unit: UnitOfWork): Promise<void> {
    const { project, version, file } = event.data;
    await this.builds.keepProject(unit.tx, { name: project, version, file });
  }
}
