import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { SHUTDOWN } from '@slipway/service-kit';
import { type Answer, Ledger } from './ports.js';

/** NOTIFY channel: something was added to the journal. */
export const journalChannel = 'journal';

/** How often is looked when nobody said anything: notifications are hints. */
const lookEveryMs = 1000;

interface Waiter {
  readonly done: (answer: Answer | undefined) => void;
}

/** Holds HTTP calls until a service has answered what they asked, in whichever replica the answer arrives. */
@Injectable()
export class Answers implements OnApplicationBootstrap {
  private readonly waiting = new Map<string, Set<Waiter>>();
  private looking = false;
  private again = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly database: Database,
    @Inject(SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  onApplicationBootstrap(): void {
    const forget = this.database.listen(journalChannel, () => void this.look());
    this.shutdown.addEventListener('abort', () => {
      forget();
      for (const id of [...this.waiting.keys()]) this.settle(id, undefined);
    });
  }

  /** The answer to a command or a posted sign-off, or undefined when there is none within `ms` or the service stops. */
  wait(to: string, ms: number): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = [];
      const waiter: Waiter = {
        done: (answer) => {
          for (const timer of timers) clearTimeout(timer);
          this.forget(to, waiter);
          resolve(answer);
        },
      };
      timers.push(
        setTimeout(() => waiter.done(undefined), ms),
        setInterval(() => void this.look(), lookEveryMs),
      );
      const known = this.waiting.get(to);
      if (known) known.add(waiter);
      else this.waiting.set(to, new Set([waiter]));
      if (this.shutdown.aborted) waiter.done(undefined);
    });
  }

  /** Looks once for all that is waited for; one look at a time, and another after it when something came meanwhile. */
  private async look(): Promise<void> {
    if (this.waiting.size === 0) return;
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    try {
      do {
        this.again = false;
        for (const answer of await this.ledger.answers([...this.waiting.keys()])) this.settle(answer.answers, answer);
      } while (this.again && this.waiting.size > 0);
    } catch {
      // Postgres is away: the next look may find it, and whoever waits is told "pending" in time.
    } finally {
      this.looking = false;
    }
  }

  private settle(id: string, answer: Answer | undefined): void {
    for (const waiter of [...(this.waiting.get(id) ?? [])]) waiter.done(answer);
  }

  private forget(id: string, waiter: Waiter): void {
    const known = this.waiting.get(id);
    known?.delete(waiter);
    if (known?.size === 0) this.waiting.delete(id);
  }
}
