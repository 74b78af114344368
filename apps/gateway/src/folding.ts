import { Injectable } from '@nestjs/common';
import type { AuditLink, CommitDetected, DataOf, DsseEnvelope } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { foldRelease, releasesOf, type Told } from '@slipway/release';
import { misfitOf } from './domain/audit-fit.js';
import { environmentIn, foldEnvironmentFacts } from './domain/environment-view.js';
import { requestViews } from './domain/request-views.js';
import { type About, LedgerBooks } from './ports.js';

/** Keeps the ledger: what one more event changes in it. The ledger is the same whether it grew event by event or is folded anew. */
@Injectable()
export class Folding {
  constructor(private readonly books: LedgerBooks) {}

  /** One event as it comes. */
  async fold(tx: Tx, event: Told): Promise<void> {
    const releases = releasesOf(event);
    await this.books.open(tx, releases);
    await this.keep(tx, event);
    for (const release of releases) await this.refold(tx, release);
  }

  /** Everything of an event but its releases' states, which {@link refold} makes of all their events. Gives the releases it tells of. */
  async keep(tx: Tx, event: Told): Promise<readonly string[]> {
    const releases = releasesOf(event);
    if (releases.length > 0)
      await this.books.keepEvents(
        tx,
        releases.map((release) => ({ release, event })),
      );
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
      case 'audit.linked':
        for (const link of event.data.links) await this.keepLink(tx, link);
        await this.books.keepHead(tx, { ...headIn(event.data.head), envelope: event.data.head });
        break;
    }
    return releases;
  }

  /** The state and the requests of a release, of all its events. */
  async refold(tx: Tx, release: string): Promise<void> {
    const events = await this.books.eventsOf(tx, release);
    const state = foldRelease(release, events);
    if (!state) return;
    await this.books.saveRelease(tx, { state, about: aboutOf(release, events), bornAt: state.since, changedAt: state.updatedAt });
    const own = events.filter((event) => (event.data as { release?: { id?: unknown } | null }).release?.id === release);
    for (const view of requestViews(own)) await this.books.saveRequest(tx, view);
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

/** How a release is called in lists: by its newest commit, and everybody who wrote some of it. */
function aboutOf(release: string, events: readonly Told[]): About {
  const born = events.find((event) => event.name === 'commit.detected' && event.data.release.id === release) as
    | (Told & { name: 'commit.detected' })
    | undefined;
  if (!born) return { title: '', authors: [] };
  return { title: titleOf(born.data), authors: [...new Set(born.data.people.map(({ name }) => name))].slice(0, 50) };
}

function titleOf({ range, release }: DataOf<typeof CommitDetected>): string {
  const first = range.commits[0]?.message.split('\n', 1)[0]?.trim();
  if (release.kind === 'commit' && first) return first.slice(0, 200);
  return `${release.kind} ${release.ref}${first ? `: ${first}` : ''}`.slice(0, 200);
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
