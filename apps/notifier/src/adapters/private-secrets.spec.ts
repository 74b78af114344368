import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedHook } from './signed-hook.js';
import { SmtpMail } from './smtp-mail.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-notifier-'));
  file = join(folder, 'secret');
  await writeFile(file, 'hunter2', { mode: 0o600 });
  await chmod(file, 0o640);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Nobody listens there: a secret is refused before anything is sent. */
const nowhere = '127.0.0.1:1';

describe('a secret that others on the machine can read', () => {
  it('signs no webhook', async () => {
    const hook = new SignedHook({ url: `http://${nowhere}/`, secretFile: file });
    await expect(hook.post({ id: 'a', body: '{}', signal: AbortSignal.timeout(1000) })).rejects.toThrow(`Run: chmod 600 ${file}`);
  });

  it('is shown to no mail server', async () => {
    const mail = new SmtpMail({ url: `smtp://${nowhere}`, from: 'Slipway <s@example.org>', username: 'slipway', passwordFile: file });
    await expect(mail.check()).rejects.toThrow(`Run: chmod 600 ${file}`);
  });
});
