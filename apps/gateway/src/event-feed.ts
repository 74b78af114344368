import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Person } from '@slipway/contracts';
import { can } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { journalChannel } from './answers.js';
import { toldOf } from './journal-told.js';
import { Credentials, Journal, type JournalRow, type JournalScope, Ledger } from './ports.js';

/** What a client wants to follow. */
export interface Wanted {
  readonly project?: string | undefined;
  readonly release?: string | undefined;
}

export interface FeedEvent {
  readonly seq: string;
  readonly name: string;
  readonly data: unknown;
}

/** Followers look this long after something came, all that came meanwhile at once. */
const paceMs = 50;

/** The journal as a feed that people may follow: only what is about projects they may read. */
@Injectable()
export class EventFeed implements OnApplicationBootstrap {
  private readonly waiting = new Set<() => void>();
  private waking: NodeJS.Timeout | undefined;
  /** Counts up with each wake, so that none is missed between a look and the wait after it. */
  wakes = 0;

  constructor(
    private readonly journal: Journal,
    private readonly ledger: Ledger,
    private readonly credentials: Credentials,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.database.listen(journalChannel, () => {
      this.waking ??= setTimeout(() => this.wake(), paceMs);
    });
  }

  private wake(): void {
    this.waking = undefined;
    this.wakes++;
    for (const wake of [...this.waiting]) wake();
  }

  async newest(): Promise<string> {
    return (await this.journal.newest()).seq;
  }

  async mayStillFollow(token: string): Promise<boolean> {
    return (await this.credentials.stillGood(token)) !== undefined;
  }

  /**
   * What of it somebody may see; undefined where they may not read what they ask for. Whoever may read the audit of the whole installation also sees
   * what is about no project; others see their projects only.
   */
  async scopeFor(person: Person, { project, release }: Wanted): Promise<JournalScope | undefined> {
    const home = release === undefined ? project : (await this.ledger.release(release))?.state.release.project;
    if (release !== undefined && (home === undefined || (project !== undefined && project !== home))) return undefined;
    if (home !== undefined) return can(person, 'release.read', home) ? { projects: [home], ...(release ? { release } : {}) } : undefined;
    if (can(person, 'audit.read', '*')) return {};
    const named = person.roles.map((grant) => grant.project).filter((name) => name !== '*');
    if (!can(person, 'release.read', '*')) return { projects: [...new Set(named)].filter((name) => can(person, 'release.read', name)) };
    return { ofProjects: true };
  }

  /** What came after a number. What the bearer may see is asked anew each time: a role taken away takes effect at once. */
  async after(seq: string, token: string, wanted: Wanted, limit: number): Promise<{ events: FeedEvent[]; last: string; more: boolean }> {
    const bearer = await this.credentials.stillGood(token);
    const scope = bearer && (await this.scopeFor(bearer.person, wanted));
    if (!scope) return { events: [], last: seq, more: false };
    const rows = await this.journal.after(seq, limit, scope);
    return { events: rows.flatMap(eventOf), last: rows.at(-1)?.seq ?? seq, more: rows.length === limit };
  }

  /** Resolves when something was added to the journal since `seen` (a value of {@link wakes}), here or through another replica, or after `ms`. */
  changed(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted || seen !== this.wakes) done();
    });
  }
}

function eventOf(row: JournalRow): FeedEvent[] {
  const told = toldOf(row);
  if (!told) return [];
  const { id, name, source, subject, time, data } = told;
  return [{ seq: row.seq, name, data: { id, source, subject, time, project: row.project, release: row.release, data } }];
}
