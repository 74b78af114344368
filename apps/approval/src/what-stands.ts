import { Injectable } from '@nestjs/common';
import type { ImageReference, Release } from '@slipway/contracts';
import { NotYet, type UnitOfWork } from '@slipway/messaging';
import { Asking } from './asking.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { hasGrown, movedOn } from './domain/change.js';
import { Duties } from './duties.js';
import { Knowledge, Requests } from './ports.js';
import { Settling } from './settling.js';

interface Place {
  readonly project: string;
  readonly environment: string;
}

interface Runs {
  readonly release: Release;
  readonly image: ImageReference;
  readonly address: string;
}

/**
 * Keeps what runs where. A change is counted from what runs (design part 4, promise 11): where that goes back or to another line, more may go in than people were
 * asked about, and those who signed may have written some of it. That is voided and asked anew; production-rollout begins nothing before this was heard.
 */
@Injectable()
export class WhatStands {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly duties: Duties,
    private readonly settling: Settling,
    private readonly asking: Asking,
  ) {}

  /** `what` is null where nothing runs any more. */
  async keep(unit: UnitOfWork, { project, environment }: Place, what: Runs | null, at: Date): Promise<void> {
    // Nobody asks meanwhile, or that request would be counted from what ran before.
    await this.knowledge.alone(unit.tx, project);
    const before = (await this.knowledge.standing(unit.tx, project, environment))?.release;
    if (what) await this.knowledge.keepStanding(unit.tx, { project, environment, ...what }, at);
    else await this.knowledge.removeStanding(unit.tx, project, environment, at);
    const now = (await this.knowledge.standing(unit.tx, project, environment))?.release ?? null;
    if (!before || (now && movedOn(before, now))) return;
    const runs = now ? `release ${now.number} runs in ${environment} again` : `nothing runs in ${environment} any more`;
    const reason = { code: 'changed', message: `${runs}, and more than was asked for would go in` };
    const changed = [`what it replaces: release ${before.number} → ${now ? `release ${now.number}` : 'nothing'}`];
    for (const request of await this.requests.undecided(unit.tx, { project })) {
      if (request.environment !== environment || request.release.id === now?.id || !(await this.grew(unit, request, now))) continue;
      await this.settling.settle(unit, request, { kind: 'voided', reason, changed });
      await this.asking.ask(unit, request.release.id, environment, request.through, null);
    }
  }

  private async grew(unit: UnitOfWork, request: ApprovalRequest, running: Release | null): Promise<boolean> {
    const known = await this.knowledge.release(unit.tx, request.release.id);
    const now = known && (await this.duties.ofChange(unit, known, running));
    if (!now) return false;
    if ('code' in now) throw new NotYet(now.message);
    return hasGrown({ ...request, total: request.change?.total ?? now.total }, now);
  }
}
