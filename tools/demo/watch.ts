import type { ApprovalView } from '@slipway/api';
import type { z } from 'zod';
import { messageOf, until } from '../parts/until.ts';
import { type Demo, type Detail, NotSeen, type Seen, type StageName } from './demo.ts';

export type Approval = z.infer<typeof ApprovalView>;

/** Longest wait for anything in the story; each is a matter of seconds. */
const patienceMs = 120_000;

/** Waits for something seen from outside; ends at once when the person asks to. */
export function waitFor<T>(demo: Demo, what: string, look: () => Promise<T | undefined | false>, withinMs = patienceMs): Promise<T> {
  demo.note(`waiting: ${what}`);
  return until(what, look, { within: withinMs, every: 150, stillWorthIt: demo.end.throwIfAsked });
}

/** The release of a revision, once Slipway has given it a number. */
export async function waitForRelease(demo: Demo, commit: number, revision: string): Promise<void> {
  const { project } = demo.names;
  const found = await waitFor(demo, `a release of revision ${revision.slice(0, 10)}`, async () => {
    const { items } = await demo.cast.dana.api.listReleases({ query: { project } });
    return items.find((item) => item.release.revision === revision);
  });
  demo.releases.set(commit, { id: found.release.id, number: found.release.number, revision, digest: '' });
}

/** The release as the gateway tells it now. */
export function detailOf(demo: Demo, seen: Seen): Promise<Detail> {
  return demo.cast.dana.api.getRelease({ params: { id: seen.id } });
}

const bad = ['build.failed', 'build.cancelled', 'deployment.failed', 'verification.failed', 'rollout.failed', 'rollout.aborted'];

/** Waits until the release's timeline has an event; fails at once when it has one that rules it out. */
export async function waitForEvent(demo: Demo, seen: Seen, event: string, environment?: StageName): Promise<Detail> {
  let wrong: string | undefined;
  let stillFor = '';
  const looking = waitFor(demo, `${event} for release ${seen.number}${environment === undefined ? '' : ` in ${environment}`}`, async () => {
    const now = await detailOf(demo, seen);
    if (now.timeline.some((entry) => entry.event === event && (environment === undefined || entry.environment === environment))) return now;
    stillFor = now.waitingFor.map(({ en }) => en).join('; ');
    wrong = now.timeline.find((entry) => bad.includes(entry.event) && entry.event !== event)?.en;
    return wrong === undefined ? undefined : now;
  });
  const detail = await looking.catch((error: unknown) => {
    demo.end.throwIfAsked();
    throw new NotSeen(`${messageOf(error)}; the release waits for: ${stillFor || 'nothing'}`);
  });
  if (wrong !== undefined) throw new NotSeen(`instead of ${event}: ${wrong}`);
  return detail;
}

/** The open request for a release's sign-off into an environment. */
export function waitForRequest(demo: Demo, seen: Seen, environment: StageName): Promise<Approval> {
  const query = { project: demo.names.project, state: 'open' };
  return waitFor(demo, `a request to sign release ${seen.number} off for ${environment}`, async () => {
    const { items } = await demo.cast.omar.api.listApprovals({ query });
    return items.find((item) => item.release.id === seen.id && item.environment === environment);
  });
}

/** A request as it stands. */
export function requestNow(demo: Demo, id: string): Promise<Approval> {
  return demo.cast.omar.api.getApproval({ params: { id } });
}
