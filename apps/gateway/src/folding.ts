import { Injectable } from '@nestjs/common';
import type { AuditLink, DsseEnvelope } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { comesAfter, inOrder, type Placed, releasesOf, type Told } from '@slipway/release';
import { misfitOf } from './domain/audit-fit.js';
import { type EnvironmentFacts, environmentIn, foldEnvironmentFacts } from './domain/environment-view.js';
import { accountAfter, accountOf, type ReleaseAccount, requestIn } from './domain/release-account.js';
import { LedgerBooks } from './ports.js';

/** Keeps the ledger: what one more event changes in it. The ledger is the same whether it grew event by event or is folded anew. */
@Injectable()
export class Folding {
  constructor(private readonly books: LedgerBooks) {}

  /** Events as they come, in any order. */
  async fold(tx: Tx, events: readonly Told[]): Promise<void> {
    await this.books.open(tx, [...new Set(events.flatMap(releasesOf))]);
    await this.follow(tx, await this.keep(tx, events));
  }

  /** Everything of events but their releases' accounts, which {@link refold} makes of all their events. Gives by release what is news of it. */
  async keep(tx: Tx, events: readonly Told[]): Promise<ReadonlyMap<string, readonly Told[]>> {
    const told = events.map((event) => ({ event, releases: releasesOf(event) })).filter(({ releases }) => releases.length > 0);
    const kept = told.length > 0 ? await this.books.keepEvents(tx, told) : [];
    await this.keepEnvironments(tx, events);
    await this.keepLinks(tx, events);
    for (const event of events) await this.keepOther(tx, event);
    const byId = new Map(events.map((event) => [event.id, event]));
    const news = Map.groupBy(kept, ({ release }) => release);
    return new Map([...news].map(([release, rows]) => [release, rows.map(({ event }) => byId.get(event) as Told)]));
  }

  /** The accounts of releases, each of all its events. */
  async refold(tx: Tx, releases: readonly string[]): Promise<void> {
    const accounts: Step[] = [];
    for (const release of releases) {
      const account = accountOf(release, await this.books.eventsOf(tx, release));
      if (account) accounts.push({ account });
    }
    await this.save(tx, accounts);
  }

  /** The accounts of releases after more events: steps from where they stood, or where one of the events comes late, all of them anew. */
  private async follow(tx: Tx, news: ReadonlyMap<string, readonly Told[]>): Promise<void> {
    const all = [...news].flatMap(([release, events]) => events.map((event) => ({ release, event })));
    if (all.length === 0) return;
    const beside = await this.books.eventsBeside(tx, all);
    const late = new Set(all.flatMap(({ release, event }, at) => (isLast(event, beside[at]) ? [] : [release])));
    const inTime = all.filter(({ release }) => !late.has(release));
    const requests = inTime.flatMap(({ release, event }) => requestIn(event, release) ?? []);
    const before = await this.books.accountsOf(tx, [...new Set(inTime.map(({ release }) => release))], [...new Set(requests)]);
    const steps: Step[] = [];
    for (const release of new Set(inTime.map((each) => each.release))) {
      const stood = before.get(release);
      // None of them comes before what was there, so that theirs is the order they have among themselves.
      const account = stood && inOrder(news.get(release) ?? []).reduce(stepOf(release), stood as ReleaseAccount | undefined);
      if (stood && account) steps.push({ account, before: stood });
      else late.add(release);
    }
    await this.save(tx, steps);
    await this.refold(tx, [...late]);
  }

  private async save(tx: Tx, steps: readonly Step[]): Promise<void> {
    const changed = steps.filter(({ account, before }) => account.state !== before?.state || account.about !== before.about);
    const rows = changed.map(({ account: { state, about } }) => ({ state, about, bornAt: state.since, changedAt: state.updatedAt }));
    if (rows.length > 0) await this.books.saveReleases(tx, rows);
    const views = steps.flatMap(({ account, before }) =>
      [...account.requests].filter(([id, view]) => view !== before?.requests.get(id)).map(([, view]) => view),
    );
    if (views.length > 0) await this.books.saveRequests(tx, views);
  }

  private async keepEnvironments(tx: Tx, events: readonly Told[]): Promise<void> {
    const about = events.flatMap((event) => {
      const place = environmentIn(event);
      return place ? [{ event, place, key: JSON.stringify([place.project, place.environment]) }] : [];
    });
    if (about.length === 0) return;
    const places = new Map(about.map(({ key, place }) => [key, place]));
    const before = await this.books.lockEnvironments(tx, [...places.values()]);
    const facts = new Map([...places.keys()].map((key, at) => [key, before[at] as EnvironmentFacts]));
    for (const { key, event } of about) facts.set(key, foldEnvironmentFacts(facts.get(key) as EnvironmentFacts, event));
    const changed = [...facts.values()].filter((after, at) => after !== before[at]);
    if (changed.length > 0) await this.books.saveEnvironments(tx, changed);
  }

  /** Whoever rewrites the chain after us cannot rewrite what we keep: what does not fit is set beside it, for doctor to tell. */
  private async keepLinks(tx: Tx, events: readonly Told[]): Promise<void> {
    const linked = events.filter((event) => event.name === 'audit.linked');
    const links = linked.flatMap(({ data }) => data.links);
    if (links.length > 0) {
      const placeOf = (chain: string, sequence: number) => JSON.stringify([chain, sequence]);
      const known = new Map((await this.books.auditHashes(tx, links)).map((has) => [placeOf(has.chain, has.sequence), has.hash]));
      const fitting: AuditLink[] = [];
      for (const link of links) {
        const { hash, ...said } = link;
        const at = (sequence: number) => known.get(placeOf(link.chain, sequence));
        const misfit = misfitOf(link, digestOf(said), { same: at(link.sequence), before: at(link.sequence - 1) });
        if (misfit) await this.books.keepConflict(tx, link, misfit);
        else {
          fitting.push(link);
          known.set(placeOf(link.chain, link.sequence), hash);
        }
      }
      if (fitting.length > 0) await this.books.keepLinks(tx, fitting);
    }
    for (const { data } of linked) await this.books.keepHead(tx, { ...headIn(data.head), envelope: data.head });
  }

  private async keepOther(tx: Tx, event: Told): Promise<void> {
    switch (event.name) {
      case 'command.issued':
        return await this.books.keepCommand(tx, event.data, event.time);
      case 'command.accepted':
      case 'command.refused':
        return await this.keepAnswer(tx, event, event.data.command);
      case 'sign-off.accepted':
        return event.causationId ? await this.keepAnswer(tx, event, event.causationId) : undefined;
      case 'sign-off.refused':
        return await this.keepAnswer(tx, event, event.data.posted);
      case 'event.dead-lettered':
        return await this.books.keepDeadLetter(tx, event.id, event.time, event.data);
      case 'source.failed':
        return await this.books.keepSource(tx, event.data.project, event.time, { reason: event.data.reason, since: event.data.since });
      case 'source.recovered':
        return await this.books.keepSource(tx, event.data.project, event.time, null);
    }
  }

  private async keepAnswer(tx: Tx, event: Told, answers: string): Promise<void> {
    await this.books.keepAnswer(tx, { answers, source: event.source, name: event.name, at: event.time, data: event.data });
  }
}

/** Where a release's account came to, and where from. */
interface Step {
  readonly account: ReleaseAccount;
  readonly before?: ReleaseAccount;
}

const stepOf = (release: string) => (account: ReleaseAccount | undefined, event: Told) => accountAfter(account, event, release);

function isLast(event: Told, beside: readonly Placed[] | undefined): boolean {
  return beside !== undefined && comesAfter(event, beside);
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
