import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ApprovalRejected, NotificationDelivered, NotificationFailed, PersonChanged, VerificationFailed } from '@slipway/contracts';
import { anId, aPerson, aRelease, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotifierModule } from './notifier.module.js';

const author = { name: 'Ann', email: 'ann@shop.example', account: null };
const tester = aPerson({ name: 'Tess', emails: ['tess@shop.example'], language: 'zh' });
let stage: Stage;
let smtp: SMTPServer;
let hook: Server;
const mails: ParsedMail[] = [];
const posts: { headers: IncomingHttpHeaders; body: string }[] = [];
let refuseFirst = 1;

beforeAll(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _, done) =>
      done(address.startsWith('gone@') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
    onData: (stream, _, done) => {
      simpleParser(stream).then((mail) => {
        mails.push(mail);
        done();
      }, done);
    },
  });
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (refuseFirst-- > 0) return response.writeHead(503).end();
      posts.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await Promise.all([
    new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve)),
    new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve)),
  ]);
  stage = await aStage({ ear: 'gateway' });
  const secret = join(stage.keys.dir, 'hook-secret');
  await writeFile(secret, `whsec_${Buffer.from('very secret').toString('base64')}`, { mode: 0o600 });
  const settings = {
    SLIPWAY_SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    SLIPWAY_SMTP_FROM: 'Slipway <slipway@shop.example>',
    SLIPWAY_WEBHOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook?token=x`,
    SLIPWAY_WEBHOOK_SECRET_FILE: secret,
  };
  for (let replica = 0; replica < 2; replica++) await stage.start(NotifierModule, settings);
  await stage.say('gateway', PersonChanged, { subject: tester.id, data: { person: tester, version: 1, by: null } });
});
afterAll(async () => {
  await stage.clear();
  await new Promise<void>((resolve) => smtp.close(resolve));
  await new Promise((resolve) => hook.close(resolve));
});

async function failedChecks(authors = [author]): Promise<string> {
  const release = aRelease();
  return stage.say('test-deployer', VerificationFailed, {
    subject: release.id,
    correlationId: release.id,
    data: {
      release,
      environment: 'test',
      deployment: anId(),
      image: { repository: 'localhost:5000/shop', digest: `sha256:${'a'.repeat(64)}` },
      address: 'http://127.0.0.1:20000',
      evidence: [{ check: 'GET /', outcome: 'failed', message: 'expected 200, got 500', seconds: 0.1, output: [] }],
      seconds: 1,
      authors,
    },
  });
}

describe('notifier', () => {
  it('mails the author what failed and where, once', async () => {
    const event = await failedChecks();
    await stage.hears(NotificationDelivered, (data) => data.event === event && data.channel === 'mail');
    const own = mails.filter((mail) => JSON.stringify(mail.to).includes('ann@shop.example'));
    expect(own).toHaveLength(1);
    expect(own[0]).toMatchObject({ subject: 'shop/1 failed its checks in test', text: expect.stringContaining('expected 200, got 500') });
    expect(own[0]?.html).toContain('<html lang="en">');
  });

  it('posts events signed, tries again after a failure, and shows no secret of the url', async () => {
    const event = await failedChecks();
    const delivered = await stage.hears(NotificationDelivered, (data) => data.event === event && data.channel === 'webhook', 40_000);
    expect(delivered.to).not.toContain('token');
    const post = await eventually(() => posts.find((each) => each.headers['webhook-id'] === event) ?? false);
    const content = `${event}.${post.headers['webhook-timestamp']}.${post.body}`;
    expect(post.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', 'very secret').update(content).digest('base64')}`);
  });

  it('carries the tester’s no to the author, and gives up on a mailbox that is gone', async () => {
    const release = aRelease({ number: 3 });
    const gone = { name: 'Gone', email: 'gone@shop.example', account: null };
    const event = await stage.say('approval', ApprovalRejected, {
      subject: release.id,
      data: {
        request: anId(),
        release,
        environment: 'pre-release',
        by: { id: tester.id, name: tester.name },
        comment: 'the basket is empty',
        authors: [author, gone],
      },
    });
    await stage.hears(NotificationDelivered, (data) => data.event === event && data.to === author.email);
    expect(await stage.hears(NotificationFailed, (data) => data.event === event)).toMatchObject({
      to: 'gone@shop.example',
      reason: { code: 'refused' },
    });
    expect(mails.at(-1)?.text).toContain('the basket is empty');
  });
});
