import { Injectable } from '@nestjs/common';
import { Messaging } from '@slipway/messaging';
import { pollNow } from '../polling.js';
import { type Delivery, Sources, type WatchedSource } from '../ports.js';
import { type Answer, isAway, type Request, within } from './answers.js';
import { Push, readPush } from './push.js';
import { deliveryId, type Headers, isSigned, type Provider } from './signature.js';
import { Throttle } from './throttle.js';
import { unsigned, WebhookSigning } from './webhook-signing.js';

/** GitHub gives up after 10 s; a database that is away is said much sooner. */
const answerWithinMs = 1_800;
/** A delivery as it came. */
interface Given {
  readonly provider: string;
  readonly project: string;
  readonly kind: 'json' | 'form';
  readonly body: Buffer;
  readonly headers: Headers;
}

/**
 * A push told by a forge. It is believed for one thing only, that now is a good time to look: what to look at stands in our own row, so
 * no url or file list of a payload is ever used (facts/reliability.md, W10).
 */
@Injectable()
export class Webhooks {
  private readonly throttle = new Throttle({ atOnce: 64, inWindow: 300, windowMs: 10_000 });

  constructor(
    private readonly signing: WebhookSigning,
    private readonly sources: Sources,
    private readonly messaging: Messaging,
  ) {}

  /** Answers one delivery: 202 taken, 200 seen before or no push, 401, 404, 415, 400, 429, 503. */
  async answer(request: Request): Promise<Answer> {
    const { provider, project } = request.params as { provider: string; project: string };
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const kind = contentKind(request.headers['content-type']);
    if (!kind) return { status: 415, message: 'send application/json' };
    return within(answerWithinMs, this.judge({ provider, project, kind, body, headers: request.headers }), isAway);
  }

  /** What is not signed is turned away before it counts: it takes nothing of what a project's own forge may send. */
  private async judge(given: Given): Promise<Answer> {
    const { project, provider, body, headers } = given;
    const signing = await this.signing.remembered(project, provider);
    if ('status' in signing) return signing;
    if (!isSigned(signing.provider, headers, body, signing.secret)) return unsigned;
    const wait = this.throttle.enter(project);
    if (wait !== undefined)
      return { status: 429, message: 'too many at once; the next poll sees what this one would have told', retryAfter: wait };
    try {
      return await this.take(given);
    } finally {
      this.throttle.leave();
    }
  }

  private async take({ project, provider, kind, body, headers }: Given): Promise<Answer> {
    const signing = await this.signing.now(project, provider);
    if ('status' in signing) return signing;
    if (!isSigned(signing.provider, headers, body, signing.secret)) return unsigned;
    const payload = parse(kind === 'form' ? new URLSearchParams(body.toString('utf8')).get('payload') : body.toString('utf8'));
    if (payload === undefined) return { status: 400, message: 'the body is not JSON' };
    if (!isPush(signing.provider, headers)) return { status: 200, message: 'not a push: nothing to do' };
    const read = Push.safeParse(payload);
    if (!read.success) return { status: 400, message: 'the body is not a push' };
    const delivery: Delivery = { project, id: deliveryId(signing.provider, headers, body), ...readPush(read.data) };
    return this.keep(signing.source, delivery);
  }

  /** Delivered and woken in one transaction: 2xx only after it committed. */
  private async keep(source: WatchedSource, delivery: Delivery): Promise<Answer> {
    const fresh = await this.messaging.transact(async (unit) => {
      if (!(await this.sources.deliver(unit.tx, delivery))) return false;
      await pollNow(unit.tx, source);
      return true;
    });
    return fresh ? { status: 202, message: `${source.project} is looked at now` } : { status: 200, message: 'seen before' };
  }
}

/** GitHub can send a form with the JSON in `payload`; the signature is over the raw body all the same. */
function contentKind(header: string | string[] | undefined): 'json' | 'form' | undefined {
  const type = (typeof header === 'string' ? header : '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json' || type?.endsWith('+json')) return 'json';
  return type === 'application/x-www-form-urlencoded' ? 'form' : undefined;
}

function isPush(provider: Provider, headers: Headers): boolean {
  if (provider === 'generic') return true;
  const event = headers['x-gitea-event'] ?? headers['x-github-event'];
  return event === 'push' || event === 'create' || event === 'delete';
}

function parse(text: string | null): unknown {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
