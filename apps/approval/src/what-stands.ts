import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import { RowNotBelieved } from '@slipway/identity';
import { NotYet, type UnitOfWork } from '@slipway/messaging';
import { goesBackwards } from '@slipway/release';
import { Asking } from './asking.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { grewFrom, hasGrown, holds } from './domain/change.js';
import { type Counting, Duties } from './duties.js';
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

  /**
   * `what` is null where nothing runs any more; `left` is what somebody went back from, which is barred. A row that is not believed keeps it from being heard no
   * more than it must, or no rollout would begin there again: what cannot be told counts as more.
   */
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
    const counting = await orWhyNot(this.duties.counting(unit, project, Math.max(...numbers)));
    const links = typeof counting === 'string' ? [] : counting.links;
    const onlyMovedOn = before === null || (before !== 'unknown' && now !== null && links.length > 0 && holds(links, now, before));
    for (const request of others) {
      if (request.release.id === left?.id && request.openedAt <= at.toISOString()) await this.leave(unit, request);
      else if (now && (goesBackwards(now, request.release) || grewFrom(links, now, request.release)))
        await this.settling.settle(unit, request, { kind: 'superseded', by: now, runs: true });
      else if (!onlyMovedOn) await this.reconsider(unit, request, before, now, counting);
    }
  }

  /** What somebody went back from is asked for by a person or not at all. */
  private async leave(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    const message = `release ${request.release.number} was rolled back from ${request.environment}; a person may ask for it anew`;
    await this.settling.settle(unit, request, { kind: 'voided', reason: { code: 'barred', message }, changed: [] });
  }

  /** Asks anew where more would go in than was asked for. Where that cannot be told nobody asks but a person, who has seen to the row. */
  private async reconsider(
    unit: UnitOfWork,
    request: ApprovalRequest,
    before: Release | 'unknown' | null,
    now: Release | null,
    counting: Counting | string,
  ): Promise<void> {
    const grew = typeof counting === 'string' ? counting : await orWhyNot(this.grew(unit, request, now, counting));
    if (grew === false) return;
    const { release, environment, through } = request;
    const runs = now ? `release ${now.number} runs in ${environment} now` : `nothing runs in ${environment} any more`;
    const was = before === 'unknown' ? 'what was not believed' : nameOf(before);
    const reason =
      grew === true
        ? { code: 'changed', message: `${runs}, and more than was asked for would go in` }
        : { code: 'not-believed', message: `${runs}, and whose change would go in cannot be told: ${grew}; ask for it anew then` };
    await this.settling.settle(unit, request, { kind: 'voided', reason, changed: [`what it replaces: ${was} → ${nameOf(now)}`] });
    if (grew !== true || typeof counting === 'string') return;
    const unasked = await this.asking.ask(unit, release.id, environment, through, null, counting);
    if (unasked?.code === 'not-heard') throw new NotYet(unasked.message);
  }

  /** Null where nothing ran. Somebody else's row is overwritten: it may stand in the way of nothing that is true. */
  private async before(unit: UnitOfWork, project: string, environment: string): Promise<Release | null | 'unknown'> {
    const running = await orWhyNot(this.knowledge.running(unit.tx, project, environment));
    return typeof running === 'string' ? 'unknown' : running;
  }

  private async grew(unit: UnitOfWork, request: ApprovalRequest, running: Release | null, counting: Counting): Promise<boolean | string> {
    const known = await this.knowledge.release(unit.tx, request.release.id);
    const now = known && (await this.duties.ofChange(unit, known, running, counting));
    if (!now) return false;
    if (!('code' in now)) return hasGrown({ ...request, total: request.change?.total ?? now.total }, now);
    if (counting.people === undefined) return now.message;
    throw new NotYet(now.message);
  }
}

/** What comes of it, or why nothing does where a row is not believed. */
async function orWhyNot<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RowNotBelieved) return error.message;
    throw error;
  }
}

function nameOf(release: Release | null): string {
  return release ? `release ${release.number}` : 'nothing';
}
