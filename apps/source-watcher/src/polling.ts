import type { Cause } from '@slipway/messaging';
import { hurry, owe } from '@slipway/operations';
import type { Tx } from '@slipway/postgres';

/** The kind of the one operation each source has for as long as it exists. */
export const pollKind = 'poll';

export interface PollInput {
  readonly project: string;
  readonly generation: number;
}

/** The key of a source's poll; a source that comes back gets a new one, because operations are owed once for ever. */
export function pollKey({ project, generation }: PollInput): string {
  return `${project}/${generation}`;
}

/** Sees to it that a source is polled from now on, and at once. */
export async function pollNow(tx: Tx, input: PollInput, cause?: Cause): Promise<void> {
  const { created } = await owe(tx, {
    kind: pollKind,
    key: pollKey(input),
    input: { project: input.project, generation: input.generation },
    ...(cause && { cause }),
  });
  if (!created) await hurry(tx, pollKind, pollKey(input));
}
