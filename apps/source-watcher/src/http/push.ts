import type { CommitIdentity } from '@slipway/contracts';
import { z } from 'zod';

const text = z.string().max(300);
const Person = z.object({
  name: text.nullish(),
  full_name: text.nullish(),
  email: text.nullish(),
  login: text.nullish(),
  username: text.nullish(),
  account: text.nullish(),
});

/** The few fields of a push that are read, alike for GitHub, Gitea and the generic kind; everything else a payload says is nobody's business. */
export const Push = z.object({
  ref: z.string().max(400).nullish(),
  after: z.string().max(100).nullish(),
  pusher: Person.nullish(),
  sender: Person.nullish(),
});
export type Push = z.infer<typeof Push>;

/** What a push tells: which ref stands at which revision now, and who moved it. Unusable parts are null, never an error: the poll finds out by itself. */
export function readPush(push: Push): { ref: string | null; revision: string | null; pusher: CommitIdentity | null } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no ref holds controls, and Postgres takes no NUL
  const ref = push.ref && /^refs\/(heads|tags)\/[^\u0000-\u001f]+$/.test(push.ref) && push.ref.isWellFormed() ? push.ref : null;
  const revision = push.after && /^[0-9a-f]{40,64}$/.test(push.after) && !/^0+$/.test(push.after) ? push.after : null;
  const { pusher, sender } = push;
  const name = clean(pusher?.name) ?? clean(pusher?.full_name) ?? clean(pusher?.login) ?? clean(sender?.login);
  if (name === null) return { ref, revision, pusher: null };
  const account = clean(sender?.login) ?? clean(pusher?.login) ?? clean(pusher?.username) ?? clean(pusher?.account);
  return { ref, revision, pusher: { name, email: clean(pusher?.email), account } };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: names go to people's terminals, and Postgres takes no NUL
const controls = /[\u0000-\u001f\u007f]/g;

function clean(said: string | null | undefined): string | null {
  const plain = said?.toWellFormed().replace(controls, '').trim();
  return plain ? plain : null;
}
