import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Refused } from '../ports.js';
import { SmtpMail } from './smtp-mail.js';

const folder = mkdtempSync(join(tmpdir(), 'slipway-mail-'));
afterAll(() => rmSync(folder, { recursive: true }));
let server: SMTPServer | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(resolve) : resolve())));

const message = { subject: 's', lead: 'l', facts: [], details: [], link: null };

/** Mail to a server that behaves like this. */
async function mailTo(behaviour: SMTPServerOptions, options: { username?: string; passwordFile?: string } = {}): Promise<SmtpMail> {
  const listening = new SMTPServer({ disabledCommands: ['STARTTLS'], authOptional: true, ...behaviour });
  server = listening;
  listening.on('error', () => undefined);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const url = `smtp://127.0.0.1:${(listening.server.address() as AddressInfo).port}`;
  return new SmtpMail({ url, from: 'Slipway <slipway@shop.example>', username: undefined, passwordFile: undefined, ...options });
}

function outcomeOf(mail: SmtpMail): Promise<unknown> {
  const { signal } = new AbortController();
  return mail.send({ id: 'x', to: 'ann@shop.example', message, language: 'en', signal }).then(
    () => 'sent',
    (error: unknown) => error,
  );
}

const says = (responseCode: number) => Object.assign(new Error('no'), { responseCode });

describe('a mail server that says no', () => {
  it('for good is believed', async () => {
    const refusing: SMTPServerOptions = { onRcptTo: (_, __, done) => done(says(550)) };
    expect(await outcomeOf(await mailTo(refusing))).toBeInstanceOf(Refused);
  });

  it('for now is asked again', async () => {
    const busy: SMTPServerOptions = { onMailFrom: (_, __, done) => done(says(421)) };
    expect(await outcomeOf(await mailTo(busy))).not.toBeInstanceOf(Refused);
  });

  it('to our password is asked again, and the mail goes when the password is mended', async () => {
    const passwordFile = join(folder, 'password');
    const onAuth: SMTPServerOptions['onAuth'] = ({ password }, _, done) =>
      password === 'right' ? done(null, { user: 'x' }) : done(says(535));
    const locked: SMTPServerOptions = { authOptional: false, allowInsecureAuth: true, onAuth };
    await writeFile(passwordFile, 'wrong', { mode: 0o600 });
    const mail = await mailTo(locked, { username: 'slipway', passwordFile });
    const outcome = await outcomeOf(mail);
    expect(outcome).toMatchObject({ code: 'EAUTH' });
    expect(outcome).not.toBeInstanceOf(Refused);
    await writeFile(passwordFile, 'right\n');
    expect(await outcomeOf(mail)).toBe('sent');
  });
});
