import { Injectable } from '@nestjs/common';
import { CommandAccepted, CommandRefused } from '@slipway/contracts';
import { type Claim, type Outcome, owe, type Work } from '@slipway/operations';
import { Database, type Tx } from '@slipway/postgres';
import type { Told } from '@slipway/release';
import type { Logger } from '@slipway/service-kit';
import { v7 } from 'uuid';
import { Folding } from './folding.js';
import { toldOf } from './journal-told.js';
import { FreshLedger, type JournalRow, JournalUnreadable, LedgerBooks, type LedgerProgress, LedgerTasks } from './ports.js';
import { JournalMoved, ReadingJournal } from './reading-journal.js';

/** What is kept of who asked. */
interface Input {
  readonly task: 'rebuild' | 'check';
  /** Absent where the configuration asked: nobody waits for an answer. */
  readonly subject?: string;
}

const kind = 'ledger';
/** Rows of the journal, and releases, that one transaction folds. */
const atOnce = 500;
const releasesAtOnce = 50;
/** How many differences of each book are told. */
const mostTold = 20;

/** A command about the ledger is long work: this owes it, in the transaction that hears of it. */
export async function oweLedger(tx: Tx, { id, subject, data }: Extract<Told, { name: 'command.issued' }>): Promise<void> {
  const { action, service, command } = data;
  if (service !== 'gateway' || (action.kind !== 'ledger.rebuild' && action.kind !== 'ledger.check')) return;
  const input: Input = { task: action.kind === 'ledger.check' ? 'check' : 'rebuild', subject };
  await owe(tx, { kind, key: command, input, cause: { causationId: id } });
}

/** The same where the configuration asks for it, unless it is asked for already: a gateway that is started again and again folds once at a time. */
export async function oweLedgerAtStart(database: Database, logger: Logger): Promise<void> {
  await database.transaction(async (tx) => {
    const [unfinished] = await tx.query("select 1 from operation where kind = $1 and state in ('ready', 'running') limit 1", [kind]);
    if (!unfinished) await owe(tx, { kind, key: v7(), input: { task: 'rebuild' } satisfies Input });
  });
  logger.warn('the ledger is folded anew from the journal, as SLIPWAY_LEDGER_REBUILD says');
}

/**
 * Folds the ledger anew from the journal, beside the one that is read, a little at a time; then it takes that one's place, or is compared with it. New events
 * are folded all the while and held off only for the last step. After a crash it goes on where it was.
 */
@Injectable()
export class RunLedger implements Work<Input> {
  readonly kind = kind;
  readonly concurrency = 1;
  readonly leaseMs = 30_000;
  readonly callTimeoutMs = 1_000;
  private readonly folding: Folding;

  constructor(
    private readonly database: Database,
    private readonly reading: ReadingJournal,
    private readonly books: LedgerBooks,
    private readonly fresh: FreshLedger,
    private readonly tasks: LedgerTasks,
  ) {
    this.folding = new Folding(fresh.books);
  }

  async run(claim: Claim<Input>): Promise<Outcome> {
    if (await this.tasks.anotherBefore(claim.operation.id)) return { again: { afterMs: 1_000, reason: 'another fold is under way' } };
    try {
      await this.fold(claim);
      return { done: true };
    } catch (error) {
      if (error instanceof JournalUnreadable) return await this.giveUp(claim, error);
      if (!(error instanceof JournalMoved)) throw error;
      await this.begin(claim);
      return { again: { afterMs: 0, reason: error.message } };
    }
  }

  private async fold(claim: Claim<Input>): Promise<void> {
    const known = claim.operation.progress as LedgerProgress | null;
    let progress = known ?? (await this.begin(claim));
    if (progress.step === 'journal') progress = await this.keepAll(claim, progress);
    if (progress.step === 'releases') progress = await this.foldReleases(claim, progress);
    // What came meanwhile, until little is left.
    for await (const { rows, place } of this.reading.from(progress.place, atOnce)) {
      progress = await this.step(claim, { ...progress, place, events: progress.events + rows.length }, (tx) =>
        this.folding.fold(tx, toldIn(rows)),
      );
    }
    if (claim.operation.input.task === 'check') await this.compare(claim, progress);
    else await this.takeOver(claim, progress);
  }

  private async begin(claim: Claim<Input>): Promise<LedgerProgress> {
    const none = { events: 0, release: null, releases: 0, differing: 0, differences: [], failure: null };
    const progress: LedgerProgress = { step: 'journal', ...(await this.reading.beginning()), ...none };
    return await this.step(claim, progress, (tx) => this.fresh.make(tx));
  }

  /** Everything but the accounts of releases, which need all events of theirs. */
  private async keepAll(claim: Claim<Input>, from: LedgerProgress): Promise<LedgerProgress> {
    let progress = from;
    for await (const { rows, place } of this.reading.from(from.place, atOnce)) {
      progress = await this.step(claim, { ...progress, place, events: progress.events + rows.length }, async (tx) => {
        await this.folding.keep(tx, toldIn(rows));
      });
    }
    return this.step(claim, { ...progress, step: 'releases' }, (tx) => this.fresh.analyse(tx));
  }

  private async foldReleases(claim: Claim<Input>, from: LedgerProgress): Promise<LedgerProgress> {
    for (let progress = from; ; ) {
      const releases = await this.database.transaction((tx) => this.fresh.releasesAfter(tx, progress.release, releasesAtOnce));
      const last = releases.at(-1);
      if (last === undefined) return this.step(claim, { ...progress, step: 'last' }, (tx) => this.fresh.analyse(tx));
      progress = await this.step(claim, { ...progress, release: last, releases: progress.releases + releases.length }, async (tx) => {
        await this.folding.refold(tx, releases);
      });
    }
  }

  private async takeOver(claim: Claim<Input>, { place, ...progress }: LedgerProgress): Promise<void> {
    await claim.complete(async (unit) => {
      await this.books.hold(unit.tx);
      for await (const rows of this.reading.rest(unit.tx, place, atOnce)) await this.folding.fold(unit.tx, toldIn(rows));
      await this.fresh.takeOver(unit.tx);
      await this.tasks.save(unit.tx, claim.operation.id, { ...progress, place, step: 'over' });
      const message = `the ledger was folded anew from ${progress.events} events: ${progress.releases} releases`;
      this.accept(claim, unit, message);
    });
  }

  /** By one snapshot of both: nobody is held off. */
  private async compare(claim: Claim<Input>, { place, ...progress }: LedgerProgress): Promise<void> {
    const { count, some } = await this.database.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read');
      for await (const rows of this.reading.rest(tx, place, atOnce)) await this.folding.fold(tx, toldIn(rows));
      return await this.fresh.differences(tx, mostTold);
    });
    await claim.complete(async (unit) => {
      await this.fresh.drop(unit.tx);
      await this.tasks.save(unit.tx, claim.operation.id, { ...progress, place, step: 'over', differing: count, differences: some });
      this.accept(
        claim,
        unit,
        count === 0 ? 'the ledger is what the journal tells' : `the ledger differs from the journal in ${count} rows`,
      );
    });
  }

  private accept({ operation }: Claim<Input>, unit: Parameters<Parameters<Claim['complete']>[0]>[0], message: string): void {
    const { subject } = operation.input;
    if (subject !== undefined) unit.publish(CommandAccepted, { subject, data: { command: operation.key, message } });
  }

  /** The ledger stays as it is. */
  private async giveUp(claim: Claim<Input>, { message }: Error): Promise<Outcome> {
    const { id, key, input, progress } = claim.operation;
    const { place, of } = await this.reading.beginning();
    await claim.complete(async (unit) => {
      await this.fresh.drop(unit.tx);
      const none = { events: 0, release: null, releases: 0, differing: 0, differences: [] };
      await this.tasks.save(unit.tx, id, { place, of, ...none, ...(progress as LedgerProgress | null), step: 'over', failure: message });
      const reason = { code: 'journal-unreadable', message };
      if (input.subject !== undefined) unit.publish(CommandRefused, { subject: input.subject, data: { command: key, reason } });
    });
    return { done: true };
  }

  /** One transaction: the work and how far it is. */
  private async step(claim: Claim<Input>, after: LedgerProgress, work: (tx: Tx) => Promise<unknown>): Promise<LedgerProgress> {
    claim.signal.throwIfAborted();
    await claim.transact(async ({ tx }) => {
      await work(tx);
      await this.tasks.save(tx, claim.operation.id, after);
    });
    return after;
  }
}

/** Those this code knows: a newer version of the gateway may have written others. */
const toldIn = (rows: readonly JournalRow[]): Told[] => rows.flatMap((row) => toldOf(row) ?? []);
