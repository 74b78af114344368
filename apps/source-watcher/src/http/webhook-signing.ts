import { Inject, Injectable } from '@nestjs/common';
import type { ProjectFile } from '@slipway/contracts';
import { NotPrivate } from '@slipway/identity';
import { LOGGER, type Logger } from '@slipway/service-kit';
import { Sources, type WatchedSource, WebhookSecrets } from '../ports.js';
import type { Answer } from './answers.js';
import type { Provider } from './signature.js';
import { Throttle } from './throttle.js';

/** The file that holds the secret where the project file names none. */
export const usualSecret = 'webhook';

const notHere: Answer = { status: 404, message: 'no project here takes webhooks of this kind: set source.git.webhook in the project file' };
const unusable: Answer = {
  status: 503,
  message: 'the secret of this webhook can not be used: the log of source-watcher says why',
  retryAfter: 60,
};
export const unsigned: Answer = {
  status: 401,
  message: 'the signature is missing or wrong: the secret at the forge and the file in SLIPWAY_SECRETS_DIR must be the same',
};

/** What the webhooks of a project are signed with. */
export interface Signing {
  readonly source: WatchedSource;
  readonly provider: Provider;
  readonly secret: Buffer;
}

/** How long a secret is remembered for turning away what is not signed with it, in ms. What is signed is judged by the file as it is now. */
const rememberedMs = 1_000;
const mostRemembered = 5_000;

/**
 * Knows what the webhooks of each project are signed with. Anybody can send what is not signed, as much as they like: of a project that is watched that
 * costs the database and the disk one look a second, and of the names that nobody knows so many are looked up and no more.
 */
@Injectable()
export class WebhookSigning {
  private readonly known = new Map<string, { readonly at: number; readonly signing: Signing | undefined }>();
  private readonly asking = new Map<string, Promise<Signing | Answer>>();
  private readonly unknown = new Throttle({ atOnce: 16, inWindow: 300, windowMs: 10_000 });
  private watched: { readonly at: number; readonly names: Promise<ReadonlySet<string>> } | undefined;

  constructor(
    private readonly sources: Sources,
    private readonly secrets: WebhookSecrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** As it was at most a second ago, or the answer for who comes for something else. */
  async remembered(project: string, provider: string): Promise<Signing | Answer> {
    const found = this.known.get(project);
    const isFresh = found !== undefined && isYoung(found);
    if (isFresh && found.signing) return of(provider, found.signing);
    if (!isFresh && (await this.isWatched(project))) return of(provider, await this.once(project));
    const wait = this.unknown.enter('');
    if (wait !== undefined)
      return { status: 429, message: 'too many for projects that are not known; send it again later', retryAfter: wait };
    try {
      return of(provider, await this.once(project));
    } finally {
      this.unknown.leave();
    }
  }

  /** As it is now. */
  async now(project: string, provider: string): Promise<Signing | Answer> {
    return of(provider, await this.look(project));
  }

  /** Whether it was a moment ago: then the first that comes for it is looked at, whatever else comes for names that nobody knows. */
  private async isWatched(project: string): Promise<boolean> {
    if (!this.watched || !isYoung(this.watched)) {
      const names = this.sources.live().then((all) => new Set(all.map((each) => each.project)));
      this.watched = { at: performance.now(), names };
    }
    return (await this.watched.names).has(project);
  }

  /** Looks once for all who ask at the same moment. */
  private async once(project: string): Promise<Signing | Answer> {
    const looking = this.asking.get(project) ?? this.look(project).finally(() => this.asking.delete(project));
    this.asking.set(project, looking);
    const signing = await looking;
    const found = 'status' in signing ? undefined : signing;
    const before = this.known.get(project);
    if (!found && ((before && isYoung(before)) || !(await this.isWatched(project)))) return signing;
    this.known.delete(project);
    this.known.set(project, { at: performance.now(), signing: found });
    if (this.known.size > mostRemembered) this.known.delete(this.known.keys().next().value as string);
    return signing;
  }

  private async look(project: string): Promise<Signing | Answer> {
    const source = /^[a-z0-9-]{1,40}$/.test(project) ? await this.sources.find(project) : undefined;
    const expected = source?.file && webhookOf(source.file);
    if (!source || !expected) return notHere;
    const secret = await this.secretOf(project, expected.secret);
    if (secret === 'exposed') return unusable;
    if (secret) return { source, provider: expected.provider, secret };
    this.logger.warn({ project, secret: expected.secret }, 'a webhook came, but its secret is not in SLIPWAY_SECRETS_DIR');
    return unsigned;
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
}

function isYoung({ at }: { readonly at: number }): boolean {
  return performance.now() - at < rememberedMs;
}

/** What is to be known of a project by who comes for one kind of webhook. */
function of(provider: string, signing: Signing | Answer): Signing | Answer {
  return 'status' in signing || signing.provider === provider ? signing : notHere;
}

function webhookOf(file: ProjectFile): { provider: Provider; secret: string } | undefined {
  const webhook = file.spec.source.git?.webhook;
  return typeof webhook === 'string' ? { provider: webhook, secret: usualSecret } : webhook;
}
