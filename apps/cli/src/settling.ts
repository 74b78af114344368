import type { CommandAnswer } from '@slipway/api';
import type { z } from 'zod';
import { Pending, Refused } from './exit.js';
import type { Session } from './session.js';

const everyMs = 500;

/**
 * Waits until the service a command went to has answered, and tells.
 *
 * @throws Refused with its reason, Pending where it has not answered in time.
 */
export async function settled(session: Session, answer: z.infer<typeof CommandAnswer>, waitSeconds: number, done: string): Promise<void> {
  const { command } = answer;
  const said = await answered(session, answer, waitSeconds);
  session.out.either({ command, state: 'accepted', message: said }, () => session.out.line(said ? `${done}: ${said}` : done));
}

/** Waits for it and gives what was said; the same throws. */
export async function answered(
  session: Session,
  { command, state: now, message: said }: z.infer<typeof CommandAnswer>,
  waitSeconds: number,
): Promise<string> {
  if (now === 'accepted') return said;
  const api = await session.api();
  const until = performance.now() + waitSeconds * 1000;
  while (performance.now() < until) {
    const { state, message } = await api.getCommand({ params: { id: command }, signal: session.around.interrupted });
    if (state === 'accepted') return message ?? '';
    if (state === 'refused') throw new Refused(message ?? 'it was refused without a reason');
    await session.pause(everyMs);
  }
  throw new Pending(`no answer within ${waitSeconds} s; it is kept and will be answered. See: slipway command show ${command}`);
}
