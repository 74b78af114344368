import { keyIdOf, loadPersonKey, type PersonPrivateJwk } from '@slipway/identity';
import type { Approval } from '../asked.js';
import { type ExitCode, exitCodes, Misused, Refused } from '../exit.js';
import { personKeyFile } from '../person-key-file.js';
import { writePrivate } from '../private-files.js';
import { nameOf } from '../references.js';
import type { Session } from '../session.js';
import { signOffRecord } from '../sign-off-record.js';

export interface Signing {
  out?: string;
  topicPrefix: string;
}

/** Signs what was decided with the person's own key and gives out the Kafka record: the gateway has no part in it. */
export async function signWithKey(
  session: Session,
  { out: file, topicPrefix }: Signing,
  keyFile: string | true,
  { asked, decision, comment }: { asked: Approval; decision: 'approve' | 'reject'; comment: string },
): Promise<ExitCode> {
  const key = await keyIn(keyFile === true ? personKeyFile(session.around) : keyFile);
  const me = await (await session.api()).me({});
  const registered = me.keys.find(({ id }) => id === keyIdOf(key));
  if (!registered || registered.revokedAt !== null)
    throw new Refused(
      `key ${keyIdOf(key)} is ${registered ? 'revoked' : 'not registered'}, so nobody would believe it. Register it: slipway key add`,
    );
  const said = { request: asked.request, asks: asked.asks, release: asked.release.id, person: me.id, decision, comment };
  const record = await signOffRecord(key, said, session.around.now(), topicPrefix);
  if (file === undefined) session.out.document(record);
  else {
    await writePrivate(file, `${JSON.stringify(record, null, 2)}\n`);
    session.out.either({ request: asked.request, decision, kept: file }, () =>
      session.out.line(`the signed sign-off of ${nameOf(asked.release)} for ${asked.environment} is in ${file}`),
    );
  }
  session.out.note(
    `Post it to the topic ${record.topic} within five minutes: key, headers and value as they stand. See what became of it: slipway approval show ${asked.request}`,
  );
  return exitCodes.ok;
}

async function keyIn(file: string): Promise<PersonPrivateJwk> {
  return loadPersonKey(file).catch((error: NodeJS.ErrnoException) => {
    throw new Misused(
      error.code === 'ENOENT'
        ? `${file}: there is no such key. Make one: slipway key new, then register it: slipway key add`
        : error.message,
    );
  });
}
