import { Misused, Refused } from '../exit.js';
import { tame } from '../output.js';
import { nameOf, releaseNamed } from '../references.js';
import type { Session } from '../session.js';

const everyMs = 1000;

/**
 * `slipway release logs`: whole chunks as they are there; with `--follow` until the writer says it was the last. `build` stands for the last of
 * `build/1`, `build/2` and so on.
 */
export async function showLogs(session: Session, { follow, list }: { follow?: boolean; list?: boolean }, name: string, stream?: string) {
  const { release, logs } = await releaseNamed(await session.api(), name);
  if (list) {
    session.out.either({ streams: logs }, () =>
      session.out.table(
        ['LOG'],
        logs.map((each) => [each]),
        'there is no log yet',
      ),
    );
    return;
  }
  const wanted = stream === undefined ? logs : [logCalled(stream, logs)].filter((each) => each !== undefined);
  if (logs.length > 0 && wanted.length === 0)
    throw new Refused(`${nameOf(release)} has no log ${JSON.stringify(stream)}; it has ${logs.join(', ')}`);
  if (wanted.length === 0) throw new Refused(`${nameOf(release)} has no log yet`);
  if (follow && wanted.length > 1) throw new Misused(`one log can be followed at a time; name one of ${logs.join(', ')}`);
  for (const each of wanted) {
    if (wanted.length > 1) session.out.note(session.out.paintNote('bold', `==> ${each} <==`));
    await printLog(session, release.id, each, follow ?? false);
  }
}

function logCalled(stream: string, logs: readonly string[]): string | undefined {
  if (logs.includes(stream)) return stream;
  const attempts = logs.filter((each) => each.startsWith(`${stream}/`) && /^[\d.]+$/.test(each.slice(stream.length + 1)));
  return attempts.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1);
}

async function printLog(session: Session, id: string, stream: string, follow: boolean): Promise<void> {
  const api = await session.api();
  let from = 0;
  for (;;) {
    const chunk = await api.releaseLogs({ params: { id }, query: { stream, from }, signal: session.around.interrupted });
    if (session.out.json) session.out.record(chunk);
    else session.out.raw(session.out.live ? tame(chunk.text) : chunk.text);
    const more = chunk.next > from;
    from = chunk.next;
    if (chunk.last || (!more && !follow)) return;
    if (!more) await session.pause(everyMs);
  }
}
