import { Inject, Injectable } from '@nestjs/common';
import type { ProjectFile } from '@slipway/contracts';
import { NotPrivate } from '@slipway/identity';
import { Messaging } from '@slipway/messaging';
import { LOGGER, type Logger } from '@slipway/service-kit';
import { pollNow } from '../polling.js';
import { type Delivery, Sources, type WatchedSource, WebhookSecrets } from '../ports.js';
import { type Answer, isAway, type Request, within } from './answers.js';
import { Push, readPush } from './push.js';
import { deliveryId, type Headers, isSigned, type Provider } from './signature.js';
import { Throttle } from './throttle.js';

/** GitHub gives up after 10 s; a database that is away is said much sooner. */
const answerWithinMs = 1_800;
/** The file that holds the secret where the project file names none. */
export const usualSecret = 'webhook';

const notHere: Answer = { status: 404, message: 'no project here takes webhooks of this kind: set source.git.webhook in the project file' };
const unsigned: Answer = {
  status: 401,
  message: 'the signature is missing or wrong: the secret at the forge and the file in SLIPWAY_SECRETS_DIR must be the same',
};

const unusable: Answer = {
  status: 503,
  message: 'the secret of this webhook can not be used: the log of source-watcher says why',
  retryAfter: 60,
};

/**
 * A push told by a forge. It is believed for one thing only, that now is a good time to look: what to look at stands in our own row, so
 * no url or file list of a payload is ever used (facts/reliability.md, W10).
 */
@Injectable()
export class Webhooks {
  private readonly throttle = new Throttle({ atOnce: 64, inWindow: 300, windowMs: 10_000 });

  constructor(
    private readonly sources: Sources,
    private readonly secrets: WebhookSecrets,
    private readonly messaging: Messaging,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Answers one delivery: 202 taken, 200 seen before or no push, 401, 404, 415, 400, 429, 503. */
  async answer(request: Request): Promise<Answer> {
    const { provider, project } = request.params as { provider: string; project: string };
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const wait = this.throttle.enter(project);
    if (wait !== undefined)
      return { status: 429, message: 'too many at once; the next poll sees what this one would have told', retryAfter: wait };
    try {
      return await within(answerWithinMs, this.take({ provider, project, body, headers: request.headers }), isAway);
    } finally {
      this.throttle.leave();
    }
  }

  private async take(given: { provider: string; project: string; body: Buffer; headers: Headers }): Promise<Answer> {
    const { project, body, headers } = given;
    const kind = contentKind(headers['content-type']);
    if (!kind) return { status: 415, message: 'send application/json' };
    const source = /^[a-z0-9-]{1,40}$/.test(project) ? await this.sources.find(project) : undefined;
    const expected = source?.file && webhookOf(source.file);
    if (!source || !expected || expected.provider !== given.provider) return notHere;
    const secret = await this.secretOf(project, expected.secret);
    if (secret === 'exposed') return unusable;
    if (!secret) this.logger.warn({ project, secret: expected.secret }, 'a webhook came, but its secret is not in SLIPWAY_SECRETS_DIR');
    if (!secret || !isSigned(expected.provider, headers, body, secret)) return unsigned;
    const payload = parse(kind === 'form' ? new URLSearchParams(body.toString('utf8')).get('payload') : body.toString('utf8'));
    if (payload === undefined) return { status: 400, message: 'the body is not JSON' };
    if (!isPush(expected.provider, headers)) return { status: 200, message: 'not a push: nothing to do' };
    const read = Push.safeParse(payload);
    if (!read.success) return { status: 400, message: 'the body is not a push' };
    const delivery: Delivery = { project, id: deliveryId(expected.provider, headers, body), ...readPush(read.data) };
    return this.keep(source, delivery);
  }

  /** A secret that others on the machine can read proves nothing; the log says how to mend it. */
  private async secretOf(project: string, name: string): Promise<Buffer | 'exposed' | undefined> {
    try {
      return await this.secrets.read(project, name);
    } catch (error) {
      if (!(error instanceof NotPrivate)) throw error;
      this.logger.error({ project, secret: name, reason: error.message }, 'a webhook came, but its secret is refused');
      return 'exposed';
    }
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

function webhookOf(file: ProjectFile): { provider: Provider; secret: string } | undefined {
  const webhook = file.spec.source.git?.webhook;
  return typeof webhook === 'string' ? { provider: webhook, secret: usualSecret } : webhook;
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
