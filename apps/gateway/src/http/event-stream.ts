import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { EventFeed, Wanted } from '../event-feed.js';
import type { Bearer } from '../ports.js';
import { securityHeaders } from './security-headers.js';

export type Raw = ServerResponse;

/** What a stream needs. */
export interface Streamed {
  readonly feed: EventFeed;
  readonly bearer: Bearer;
  readonly asked: Wanted;
  /** The number of the journal after which it begins. */
  readonly start: string;
  readonly shutdown: AbortSignal;
}

/** How often the token is looked at again, and a comment sent so that proxies keep the connection. A revoked one's stream ends within this. */
const beatMs = 3_000;
const atOnce = 100;
/** Longest a client may take for what was sent, before it is cut off: nothing is gathered for it in memory. */
const patienceMs = 30_000;

/** One open stream. It reads on from the journal at the client's own pace, so what it holds is bounded. */
export class Stream {
  private readonly ended = new AbortController();
  private last: string;

  constructor(
    private readonly to: Raw,
    private readonly of: Streamed,
  ) {
    this.last = of.start;
  }

  /** Streams until the client goes, the token is no longer good, or the service stops. Never throws. */
  async run(): Promise<void> {
    const { to, of } = this;
    to.once('close', () => this.ended.abort());
    const stop = () => this.ended.abort();
    of.shutdown.addEventListener('abort', stop, { once: true });
    to.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    to.write(`retry: 1000\nid: ${this.last}\n\n`);
    try {
      for (let checked = performance.now(); !this.ended.signal.aborted && !of.shutdown.aborted; ) {
        if (performance.now() - checked >= beatMs) {
          if (!(await of.feed.mayStillFollow(of.bearer.token))) break;
          await this.write(': still here\n\n');
          checked = performance.now();
        }
        const seen = of.feed.wakes;
        if (!(await this.sendNew())) await of.feed.changed(seen, Math.max(1, beatMs - (performance.now() - checked)), this.ended.signal);
      }
    } catch {
      // Postgres is away, or the client too slow: the client comes back with the last id it has.
    } finally {
      of.shutdown.removeEventListener('abort', stop);
      to.end();
    }
  }

  /** Sends what came since; true when there may be more already. */
  private async sendNew(): Promise<boolean> {
    const { feed, bearer, asked } = this.of;
    const page = await feed.after(this.last, bearer.token, asked, atOnce);
    for (const { seq, name, data } of page.events) await this.write(`id: ${seq}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    this.last = page.last;
    return page.more;
  }

  private async write(text: string): Promise<void> {
    if (this.ended.signal.aborted || this.to.write(text)) return;
    await once(this.to, 'drain', { signal: AbortSignal.any([this.ended.signal, AbortSignal.timeout(patienceMs)]) });
  }
}
