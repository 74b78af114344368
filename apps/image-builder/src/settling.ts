import { Injectable } from '@nestjs/common';
import type { DsseEnvelope } from '@slipway/contracts';
import type { Cause, UnitOfWork } from '@slipway/messaging';
import { cancel, owe } from '@slipway/operations';
import type { Build, Decision } from './domain/build.js';
import { BuildMetrics } from './image-builder.metrics.js';
import { Builds } from './ports.js';

/** The kinds of work this service owes, and the key of a build's. */
export const workKinds = { build: 'build', attest: 'attest', removal: 'image-removal' } as const;
export const buildKey = (build: Build): string => `${build.release.id}/${build.attempt}`;

/** Carries out a decision in the transaction it was taken in: state, events, and work owed or called off. */
@Injectable()
export class Settling {
  constructor(
    private readonly builds: Builds,
    private readonly metrics: BuildMetrics,
  ) {}

  /** `was` is the build the decision was about; `cause` leads what is owed back to the event that brought it. */
  async settle(unit: UnitOfWork, was: Build, decision: Decision, more: { cause?: Cause; provenance?: DsseEnvelope } = {}): Promise<void> {
    if (decision.outcome !== 'changed') return;
    const { next, say, work } = decision;
    await this.builds.save(unit.tx, next, more.provenance);
    if (say) unit.publish(say.event, { subject: next.release.id, correlationId: next.release.id, data: say.data as never });
    if (work === 'owe') await this.owe(unit, next, more.cause);
    if (next.state === 'cancelled') unit.tx.afterCommit(() => this.metrics.cancelled());
    if (work === 'cancel') await cancel(unit.tx, workKinds.build, buildKey(was), 'the build was called off');
  }

  /** Owes the build's current attempt. */
  async owe(unit: UnitOfWork, build: Build, cause?: Cause): Promise<void> {
    const input = { release: build.release.id, attempt: build.attempt };
    await owe(unit.tx, { kind: workKinds.build, key: buildKey(build), input, cause: { ...cause, correlationId: build.release.id } });
  }
}
