import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '@slipway/messaging';
import { owe } from '@slipway/operations';
import { v7 } from 'uuid';
import { ApprovalMetrics } from './approval.metrics.js';
import { AuditWaking } from './audit-waking.js';
import { type ApprovalRequest, type Decision, decide, type Input, nextMoment } from './domain/approval-request.js';
import { Knowledge, Requests } from './ports.js';
import { Telling } from './telling.js';

/** Carries decisions out: saves the request, tells the world, and sees that time is heard. */
@Injectable()
export class Settling {
  constructor(
    private readonly requests: Requests,
    private readonly knowledge: Knowledge,
    private readonly telling: Telling,
    private readonly metrics: ApprovalMetrics,
    private readonly waking: AuditWaking,
  ) {}

  /** Runs one input through {@link decide} and keeps what comes of it. */
  async settle(unit: UnitOfWork, request: ApprovalRequest, input: Input): Promise<Decision> {
    const decision = decide(request, input);
    if (!('changed' in decision)) return decision;
    const { next, says } = decision.changed;
    await this.requests.save(unit.tx, next);
    for (const saying of says) await this.telling.say(unit, next, saying);
    if (request.state === 'open' && next.state !== 'open') unit.tx.afterCommit(() => this.metrics.ended(next, unit.now));
    if (next.state === 'granted' && request.state !== 'granted') await this.granted(unit, next);
    await this.windClock(unit, next);
    return decision;
  }

  /** A request was just inserted: says so, lets policy grant it at once, and drives out older ones where the policy says on-request. */
  async opened(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    await this.telling.requested(unit, request);
    if (request.policy.supersede === 'on-request') await this.supersedeOlder(unit, request);
    else await this.retell(unit, request);
    await this.timePassed(unit, request);
  }

  /** Where nothing comes of it the clock is wound for the next moment: a soak that ends without enough sign-offs leaves the expiry to come. */
  async timePassed(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    const decision = await this.settle(unit, request, {
      kind: 'time-passed',
      people: await this.knowledge.people(unit.tx),
      grantId: v7(),
      now: unit.now.toISOString(),
    });
    if (!('changed' in decision)) await this.windClock(unit, request);
  }

  private async granted(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    const { project } = request.release;
    await this.knowledge.unbar(unit.tx, project, request.environment, request.release.number);
    if (request.policy.supersede !== 'never') await this.supersedeOlder(unit, request);
  }

  private async supersedeOlder(unit: UnitOfWork, newer: ApprovalRequest): Promise<void> {
    for (const older of await this.requests.olderThan(unit.tx, newer))
      await this.settle(unit, older, { kind: 'superseded', by: newer.release });
  }

  private async retell(unit: UnitOfWork, newer: ApprovalRequest): Promise<void> {
    for (const older of await this.requests.olderThan(unit.tx, newer))
      if (older.state === 'open') await this.telling.requested(unit, older);
  }

  /** Time is an input like any other: an operation brings it when it is due. */
  private async windClock(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    const moment = nextMoment(request, unit.now.toISOString());
    if (moment !== null)
      await owe(unit.tx, {
        kind: 'request-clock',
        key: `${request.id}/${moment}`,
        input: { request: request.id },
        notBefore: new Date(moment),
      });
    this.waking.after(unit.tx);
  }
}
