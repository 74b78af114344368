import { Injectable } from '@nestjs/common';
import type { AuditLink, DsseEnvelope } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { comesAfter, releasesOf, type Told } from '@slipway/release';
import { misfitOf } from './domain/audit-fit.js';
import { environmentIn, foldEnvironmentFacts } from './domain/environment-view.js';
import { accountAfter, accountOf, type ReleaseAccount, requestIn } from './domain/release-account.js';
import { LedgerBooks } from './ports.js';

/** Keeps the ledger: what one more event changes in it. The ledger is the same whether it grew event by event or is folded anew. */
@Injectable()
export class Folding {
  constructor(private readonly books: LedgerBooks) {}

  /** One event as it comes. */
  async fold(tx: Tx, event: Told): Promise<void> {
    await this.books.open(tx, releasesOf(event));
    for (const release of await this.keep(tx, event)) await this.follow(tx, release, event);
  }

  /** Everything of an event but its releases' accounts, which {@link refold} makes of all their events. Gives the releases it is news of. */
  async keep(tx: Tx, event: Told): Promise<readonly string[]> {
    const releases = releasesOf(event);
    const news = releases.length > 0 ? await this.books.keepEvent(tx, event, releases) : [];
    await this.keepEnvironment(tx, event);
    switch (event.name) {
      case 'command.issued':
        await this.books.keepCommand(tx, event.data, event.time);
        break;
      case 'command.accepted':
      case 'command.refused':
        await this.keepAnswer(tx, event, event.data.command);
        break;
      case 'sign-off.accepted':
        if (event.causationId) await this.keepAnswer(tx, event, event.causationId);
        break;
      case 'sign-off.refused':
        await this.keepAnswer(tx, event, event.data.posted);
        break;
      case 'event.dead-lettered':
        await this.books.keepDeadLetter(tx, event.id, event.time, event.data);
        break;
      case 'source.failed':
        await this.books.keepSource(tx, event.data.project, event.time, { reason: event.data.reason, since: event.data.since });
        break;
      case 'source.recovered':
        await this.books.keepSource(tx, event.data.project, event.time, null);
        break;
      case 'audit.linked':
        for (const link of event.data.links) await this.keepLink(tx, link);
        await this.books.keepHead(tx, { ...headIn(event.data.head), envelope: event.data.head });
        break;
    }
    return news;
  }

  /** The account of a release, of all its events. */
  async refold(tx: Tx, release: string): Promise<void> {
    const account = accountOf(release, await this.books.eventsOf(tx, release));
    if (account) await this.save(tx, account);
  }

  /** The account of a release after one more event: a step from where it stood, or where the event comes late, all of them anew. */
  private async follow(tx: Tx, release: string, event: Told): Promise<void> {
    const beside = await this.books.eventsBeside(tx, release, event);
    const before = beside && comesAfter(event, beside) ? await this.books.accountOf(tx, release, requestIn(event, release)) : undefined;
    const account = before && accountAfter(before, event, release);
    if (account) await this.save(tx, account, before);
    else await this.refold(tx, release);
  }

  private async save(tx: Tx, { state, about, requests }: ReleaseAccount, before?: ReleaseAccount): Promise<void> {
    if (state !== before?.state || about !== before.about)
      await this.books.saveRelease(tx, { state, about, bornAt: state.since, changedAt: state.updatedAt });
    for (const [id, view] of requests) if (view !== before?.requests.get(id)) await this.books.saveRequest(tx, view);
  }

  private async keepEnvironment(tx: Tx, event: Told): Promise<void> {
    const where = environmentIn(event);
    if (!where) return;
    const before = await this.books.lockEnvironment(tx, where.project, where.environment);
    const after = foldEnvironmentFacts(before, event);
    if (after !== before) await this.books.saveEnvironment(tx, after);
  }

  /** Whoever rewrites the chain after us cannot rewrite what we keep: what does not fit is set beside it, for doctor to tell. */
  private async keepLink(tx: Tx, link: AuditLink): Promise<void> {
    const { hash: _, ...said } = link;
    const misfit = misfitOf(link, digestOf(said), await this.books.auditBeside(tx, link.chain, link.sequence));
    if (misfit) await this.books.keepConflict(tx, link, misfit);
    else await this.books.keepLink(tx, link);
  }

  private async keepAnswer(tx: Tx, event: Told, answers: string): Promise<void> {
    await this.books.keepAnswer(tx, { answers, source: event.source, name: event.name, at: event.time, data: event.data });
  }
}

/** What a signed head of an audit chain says. It was verified as part of its event; who doubts it has the envelope. */
function headIn(envelope: DsseEnvelope): { chain: string; sequence: number; hash: string; at: string } {
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as {
    chain: string;
    sequence: number;
    hash: string;
    at: string;
  };
}
