import type { Tx } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Handoffs } from './handoffs.js';
import type { Parked, Waiting } from './parked.js';
import type { Receiver } from './receiver.js';
import { describe, sort } from './trouble.js';

export interface HousekeepingParts {
  readonly handoffs: Handoffs;
  readonly parked: Parked;
  readonly receiver: Receiver;
  readonly logger: Logger;
  /** Whether this replica is the one that says things again. */
  readonly leads: () => boolean;
  /** The types of events this code understands, every version of each. */
  readonly types: readonly string[];
  /** Rows of the outbox are unpublished again. */
  readonly wake: () => void;
  /** Shows the other replicas that this one lives. */
  readonly present: () => Promise<void>;
}

const parkedAtOnce = 50;
const tries = 3;

/** What nobody's message starts: unanswered hand-offs are said again, parked events tried, how far was read is stored, and that we live is shown. */
export class Housekeeping {
  private timer: NodeJS.Timeout | undefined;
  private expected: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly parts: HousekeepingParts,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.schedule(this.everyMs * Math.random());
  }

  /** Something was parked and will be due after so long: no need to wait for the next round. */
  dueAfter(ms: number): void {
    if (this.expected || this.stopped) return;
    this.expected = setTimeout(() => {
      this.expected = undefined;
      this.soon();
    }, ms);
    this.expected.unref();
  }

  /** Something parked may be due now. */
  soon(): void {
    if (!this.running) this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.expected);
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.round().finally(() => {
        this.running = undefined;
        this.schedule(this.everyMs * (0.8 + Math.random() * 0.4));
      });
    }, ms);
    this.timer.unref();
  }

  private async round(): Promise<void> {
    try {
      await this.parts.present();
      await this.parts.receiver.storePassed();
      if (this.parts.leads() && (await this.parts.handoffs.sayAgain()) > 0) this.parts.wake();
      for (const waiting of await this.parts.parked.due(this.parts.types, parkedAtOnce)) {
        if (this.stopped) return;
        await this.tryParked(waiting);
      }
    } catch (error) {
      const level = sort(error) === 'transient' ? 'debug' : 'error';
      this.parts.logger[level]({ err: error }, 'housekeeping failed; it is done again at the next round');
    }
  }

  private async tryParked(waiting: Waiting): Promise<void> {
    const { parked, receiver } = this.parts;
    // Proven when it was parked: without it nobody finds the dead letter by its event.
    const from = { source: waiting.source, id: waiting.eventId };
    const take = async (tx: Tx) => {
      if (!(await parked.take(tx, waiting))) throw new TakenByAnother();
    };
    try {
      const result = await receiver.handleAgain(waiting.record, take);
      // A replica of a newer version will understand it.
      if (!result.ok && result.isNewer) return await parked.later(waiting);
      if (!result.ok)
        await receiver.bury(waiting.record, { reason: 'given-up', detail: result.reason, tries: waiting.tries, from }, { first: take });
    } catch (thrown) {
      if (thrown instanceof TakenByAnother) return;
      const trouble = sort(thrown);
      if (trouble === 'transient') throw thrown;
      const later = trouble === 'not-yet' ? !waiting.givenUp : trouble === 'unknown' && waiting.tries < tries;
      if (later) return await parked.later(waiting);
      const reason = trouble === 'not-yet' ? 'given-up' : 'handler-failed';
      await receiver.bury(waiting.record, { reason, ...describe(thrown), tries: waiting.tries + 1, from }, { first: take });
    }
  }
}

class TakenByAnother extends Error {}
