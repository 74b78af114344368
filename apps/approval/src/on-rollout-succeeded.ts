import { Injectable } from '@nestjs/common';
import type { Reason, Release, RolloutSucceeded } from '@slipway/contracts';
import { RowNotBelieved } from '@slipway/identity';
import { type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { Asking } from './asking.js';
import { Knowledge, Requests } from './ports.js';
import { Recording } from './recording.js';
import { WhatStands } from './what-stands.js';

/** Where a row of these is not believed it is applied anew, and then all is asked for that can be. */
const appliedAnew: ReadonlySet<string> = new Set(['project', 'target']);

/** A release runs in an environment: it has passed it, and is asked for wherever that leads. */
@Injectable()
export class OnRolloutSucceeded implements Handler<typeof RolloutSucceeded> {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly asking: Asking,
    private readonly recording: Recording,
    private readonly stands: WhatStands,
  ) {}

  async handle(event: Received<typeof RolloutSucceeded>, unit: UnitOfWork): Promise<void> {
    const { release, environment, image, address } = event.data;
    await this.recording.keep(unit, event, release.project);
    await this.stands.keep(unit, { project: release.project, environment }, { release, image, address }, new Date(event.time));
    const request = await this.requests.latest(unit.tx, release.id, environment);
    const before = request && (await this.knowledge.passage(unit.tx, release.id, request.through));
    if (!before) throw new NotYet(`nothing is known of how release ${release.number} came to ${environment}`);
    await this.knowledge.keepPassage(unit.tx, { ...before, environment, passedAt: event.time });
    const later = await this.askNext(unit, release, environment);
    if (later) throw new NotYet(later.message);
  }

  /** What runs is heard though nothing can be asked yet, or no rollout would begin there. */
  private async askNext(unit: UnitOfWork, release: Release, environment: string): Promise<Reason | null> {
    try {
      return await this.asking.askNext(unit, release, environment);
    } catch (error) {
      if (error instanceof RowNotBelieved && appliedAnew.has(error.table)) return null;
      throw error;
    }
  }
}
