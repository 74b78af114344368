import type { Handoffs } from './handoffs.js';
import { type Inbox, refuseUnsure, type Seen } from './inbox.js';
import type { Event, Portion } from './portions.js';
import type { Received } from './received.js';
import type { Timing } from './timing.js';
import type { Transactions } from './transactions.js';
import { within } from './trouble.js';
import type { OpenUnit } from './unit-of-work.js';

export interface TogetherParts {
  readonly transactions: Transactions;
  readonly inbox: Inbox;
  readonly handoffs: Handoffs;
  readonly timing: Timing;
}

interface Fresh {
  readonly event: Received;
  readonly unit: OpenUnit;
  readonly reading: Event;
}

/**
 * Handles several events in one transaction: all of them, with the place after the last, or none. Gives those that were new.
 * @throws what one of them would have thrown alone; which one is not known.
 */
export async function handleTogether(
  parts: TogetherParts,
  { all, handler }: Extract<Portion, { is: 'many' }>,
  signal: AbortSignal,
): Promise<Received[]> {
  const { transactions, inbox, handoffs, timing } = parts;
  const fresh = await transactions.run(
    {},
    async (open, tx) => {
      const news: Fresh[] = [];
      const seen = await inbox.enterAll(
        tx,
        all.map(({ record, reading }) => ({ record, from: reading.from })),
      );
      for (const [at, { reading }] of all.entries()) {
        const { event, definition, from } = reading;
        const what = seen[at] as Seen;
        refuseUnsure(what, from);
        if (what.fresh) news.push({ event, unit: open(what.now, causeOf(event)), reading });
        else if (!event.resent) continue;
        else if ((await handoffs.answerAgain(tx, event.id)) > 0) transactions.resaid(tx);
        else transactions.note(open(what.now, causeOf(event)), definition, from, event.subject, 'noted');
      }
      if (news.length > 0) await within(timing.handlerMs, `the handler of ${news.length} events`, handler.handleAll(news));
      for (const { event, unit, reading } of news) transactions.note(unit, reading.definition, reading.from, event.subject, 'noted');
      return news;
    },
    signal,
  );
  return fresh.map(({ event }) => event);
}

/** What is said because of an event belongs to it. */
export function causeOf(event: Received): { causationId: string; correlationId?: string; traceparent?: string } {
  return { causationId: event.id, correlationId: event.correlationId, traceparent: event.traceparent };
}
