import { Injectable } from '@nestjs/common';
import { Messaging } from '@slipway/messaging';
import { pollNow } from '../polling.js';
import { Sources } from '../ports.js';
import { type Answer, isAway, type Request, within } from './answers.js';
import { Throttle } from './throttle.js';

/** The script Jenkins hands out gives up after 2 s and then tries twenty times more. */
const answerWithinMs = 1_500;

/**
 * `POST /subversion/<uuid>/notifyCommit?rev=<revision>` as Jenkins takes it, so that a post-commit hook needs only another host name. It is
 * not signed and told nothing but that somebody committed; the body (`svnlook changed`) is not read.
 */
@Injectable()
export class SubversionHooks {
  private readonly throttle = new Throttle({ atOnce: 32, inWindow: 300, windowMs: 10_000 });

  constructor(
    private readonly sources: Sources,
    private readonly messaging: Messaging,
  ) {}

  /** Answers 200 (looked at now, or told before), 400, 404, 429 or 503, in plain text. */
  async answer(request: Request): Promise<Answer> {
    const { uuid } = request.params as { uuid: string };
    const { rev } = request.query as { rev?: unknown };
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid))
      return { status: 400, message: 'that is not the uuid of a repository: svnlook uuid tells it' };
    if (rev !== undefined && !(typeof rev === 'string' && /^\d{1,10}$/.test(rev)))
      return { status: 400, message: 'rev must be a revision number' };
    const wait = this.throttle.enter(uuid);
    if (wait !== undefined) return { status: 429, message: 'too many at once; the next poll sees it', retryAfter: wait };
    try {
      return await within(answerWithinMs, this.take(uuid.toLowerCase(), rev), isAway);
    } finally {
      this.throttle.leave();
    }
  }

  private async take(uuid: string, rev: string | undefined): Promise<Answer> {
    const found = await this.sources.ofSubversion(uuid);
    if (found.length === 0) return { status: 404, message: `no project watches the repository ${uuid}` };
    await this.messaging.transact(async (unit) => {
      for (const source of found) {
        const told =
          rev === undefined ||
          (await this.sources.deliver(unit.tx, {
            project: source.project,
            id: `svn:${uuid}:${rev}`,
            ref: null,
            revision: rev,
            pusher: null,
          }));
        if (told) await pollNow(unit.tx, source);
      }
    });
    return { status: 200, message: found.map(({ project }) => `${project} is looked at now`).join('\n') };
  }
}
