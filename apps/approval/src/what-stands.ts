import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import { RowNotBelieved } from '@slipway/identity';
import { NotYet, type UnitOfWork } from '@slipway/messaging';
import { goesBackwards } from '@slipway/release';
import { Asking } from './asking.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { grewFrom, hasGrown, holds } from './domain/change.js';
import { Duties } from './duties.js';
import { Knowledge, Requests, type Runs } from './ports.js';
import { Settling } from './settling.js';

interface Place {
  readonly project: string;
  readonly environment: string;
}

/**
 * Keeps what runs where. What it holds already may not go in any more: only a rollback goes back (promise 4), also where the two are of different lines. A change is
 * counted from what runs (design part 4, promise 11): where that goes back or to another line, more may go in than people were asked about, and those who signed may
 * have written some of it. That is voided and asked anew; production-rollout begins nothing before this was heard.
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

  /** `what` is null where nothing runs any more; `left` is what somebody went back from, which is barred. */
  async keep(unit: UnitOfWork, { project, environment }: Place, what: Runs | null, at: Date, left: Release | null = null): Promise<void> {
    // Nobody asks meanwhile, or that request would be counted from what ran before.
    await this.knowledge.alone(unit.tx, project);
    if (left) await this.knowledge.bar(unit.tx, project, environment, left.number);
    const before = await this.before(unit, project, environment);
    const isNews = await this.knowledge.keepStanding(unit.tx, { project, environment }, what, at);
    const now = what?.release ?? null;
    const others = isNews
      ? (await this.requests.undecided(unit.tx, { project, environment })).filter(({ release }) => release.id !== now?.id)
      : [];
    if (others.length === 0) return;
    const numbers = [now, before === 'unknown' ? null : before, ...others.map(({ release }) => release)].map((each) => each?.number ?? 0);
    const links = await this.knowledge.linksUpTo(unit.tx, project, Math.max(...numbers));
    const onlyMovedOn = before === null || (before !== 'unknown' && now !== null && holds(links, now, before));
    for (const request of others) {
      if (now && (goesBackwards(now, request.release) || grewFrom(links, now, request.release)))
        await this.settling.settle(unit, request, { kind: 'superseded', by: now });
      else if (!onlyMovedOn && (await this.grew(unit, request, now))) await this.askAnew(unit, request, before, now);
    }
  }

  private async askAnew(
    unit: UnitOfWork,
    request: ApprovalRequest,
    before: Release | 'unknown' | null,
    now: Release | null,
  ): Promise<void> {
    const { release, environment, through } = request;
    const runs = now ? `release ${now.number} runs in ${environment} now` : `nothing runs in ${environment} any more`;
    const reason = { code: 'changed', message: `${runs}, and more than was asked for would go in` };
    const was = before === 'unknown' ? 'what was not believed' : nameOf(before);
    await this.settling.settle(unit, request, { kind: 'voided', reason, changed: [`what it replaces: ${was} → ${nameOf(now)}`] });
    await this.asking.ask(unit, release.id, environment, through, null);
  }

  /** Null where nothing ran. Somebody else's row is overwritten: it may stand in the way of nothing that is true. */
  private async before(unit: UnitOfWork, project: string, environment: string): Promise<Release | null | 'unknown'> {
    try {
      return await this.knowledge.running(unit.tx, project, environment);
    } catch (error) {
      if (error instanceof RowNotBelieved) return 'unknown';
      throw error;
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

function nameOf(release: Release | null): string {
  return release ? `release ${release.number}` : 'nothing';
}
