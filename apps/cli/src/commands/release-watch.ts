import { type ApiClient, ApiError, ApiUnreachable } from '@slipway/api';
import { type ExitCode, exitCodes, Pending } from '../exit.js';
import { type Detail, isMissing, nameOf, releaseNamed, releaseReference } from '../references.js';
import type { Session } from '../session.js';
import { isTakenBack, verdictOf, WatchView } from '../watch-view.js';

interface Options {
  in?: string;
  timeout?: number;
}

/** The stream says when to look; looking now and then is the guarantee. */
const lookEveryMs = 5000;
/** What is taken back is asked for anew in the same moment, where it is; the two are told one after the other. */
const askedAnewWithinMs = 2000;

/** `slipway release watch`: tells what happens as it happens, and ends with the release. */
export async function watch(session: Session, { in: environment, timeout }: Options, name: string): Promise<ExitCode> {
  const api = await session.api();
  const until = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout * 1000;
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, session.around.interrupted]);
  const bell = new Bell();
  const view = new WatchView(session);
  try {
    let detail = await born(session, api, name, until);
    void listen(api, detail, bell, signal);
    let takenBackAt: number | undefined;
    for (;;) {
      view.show(detail);
      const verdict = verdictOf(detail, environment);
      takenBackAt = verdict === 'bad' && isTakenBack(detail, environment) ? (takenBackAt ?? performance.now()) : undefined;
      const leftMs = takenBackAt === undefined ? 0 : takenBackAt + askedAnewWithinMs - performance.now();
      if (verdict !== 'going' && leftMs <= 0) return view.end(detail, verdict === 'good' ? exitCodes.ok : exitCodes.failed);
      detail = await next(session, api, detail, bell, { until, withinMs: leftMs > 0 ? leftMs : lookEveryMs }, view);
    }
  } finally {
    view.close();
    ending.abort();
  }
}

/** The release; waited for where it is the next one of its project, as a commit just made may not have been seen yet. */
async function born(session: Session, api: ApiClient, name: string, until: number): Promise<Detail> {
  const reference = releaseReference(name);
  let told = false;
  for (;;) {
    try {
      return await releaseNamed(api, name, session.around.interrupted);
    } catch (error) {
      if (!isMissing(error) || 'id' in reference) throw error;
      const { items } = await api.listReleases({ query: { project: reference.project, limit: 1 } });
      if (reference.number !== (items[0]?.release.number ?? 0) + 1) throw error;
      if (!told) session.out.note(`${name} is not born yet; waiting for a commit to become it`);
      told = true;
      await patience(session, until, name);
    }
  }
}

async function patience(session: Session, until: number, name: string): Promise<void> {
  if (performance.now() >= until) throw new Pending(`${name} is not there yet`);
  await session.pause(Math.min(1000, Math.max(0, until - performance.now())));
}

/** Rings whenever the gateway tells something about the release. Without the stream we still look now and then. */
async function listen(api: ApiClient, { release }: Detail, bell: Bell, signal: AbortSignal): Promise<void> {
  await api.follow({ project: release.project, release: release.id }, () => bell.ring(), signal).catch(() => undefined);
}

/** Waits for something new and looks again; a gateway that is away for a while is waited for. */
async function next(
  session: Session,
  api: ApiClient,
  before: Detail,
  bell: Bell,
  { until, withinMs }: { until: number; withinMs: number },
  view: WatchView,
): Promise<Detail> {
  const left = until - performance.now();
  if (left <= 0)
    throw new Pending(`${nameOf(before.release)} is still ${before.state}; go on with: slipway release watch ${nameOf(before.release)}`);
  const rung = new AbortController();
  await Promise.race([bell.rung(), session.pause(Math.min(withinMs, left), rung.signal)]).finally(() => rung.abort());
  try {
    const detail = await api.getRelease({ params: { id: before.release.id }, signal: session.around.interrupted });
    view.away(undefined);
    return detail;
  } catch (error) {
    const passing = error instanceof ApiUnreachable || (error instanceof ApiError && error.problem.status >= 500);
    if (!passing || session.around.interrupted.aborted) throw error;
    view.away(error.message);
    return before;
  }
}

/** Rings once for any number of calls between two waits. */
class Bell {
  private waiting: (() => void) | undefined;
  private heard = false;

  ring(): void {
    this.heard = true;
    this.waiting?.();
  }

  async rung(): Promise<void> {
    if (!this.heard) await new Promise<void>((resolve) => (this.waiting = resolve));
    this.heard = false;
    this.waiting = undefined;
  }
}
