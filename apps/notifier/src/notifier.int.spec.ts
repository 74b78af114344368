import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  NotificationDelivered,
  NotificationFailed,
  PersonChanged,
  type Release,
  VerificationFailed,
} from '@slipway/contracts';
import { deployAgain, resolveDeployment } from '@slipway/release';
import { aDigest, anId, aPerson, aProjectFile, aRelease, aTargetFile, eventually, TcpProxy } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotifierModule } from './notifier.module.js';

const author = { name: 'Ann', email: 'ann@shop.example', account: null };
const tester = aPerson({ name: 'Tess', emails: ['tess@shop.example'], language: 'zh' });
const operator = aPerson({ name: 'Otto', emails: ['otto@shop.example'] });
let stage: Stage;
let smtp: SMTPServer;
let proxy: TcpProxy;
let hook: Server;
const mails: ParsedMail[] = [];
const posts: { headers: IncomingHttpHeaders; body: string }[] = [];
let refuseFirst = 1;
let laterFirst = 2;

beforeAll(async () => {
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _, done) => {
      if (address.startsWith('gone@')) return done(Object.assign(new Error('no such mailbox'), { responseCode: 550 }));
      if (address.startsWith('busy@') && laterFirst-- > 0) return done(Object.assign(new Error('try later'), { responseCode: 451 }));
      done();
    },
    onData: (stream, _, done) => {
      simpleParser(stream).then((mail) => {
        mails.push(mail);
        done();
      }, done);
    },
  });
  // Clients that hang up after a no, and the proxy that cuts them off, are no failure of the test.
  smtp.on('error', () => undefined);
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
  proxy = await TcpProxy.to({ host: '127.0.0.1', port: (smtp.server.address() as AddressInfo).port });
  stage = await aStage({ ear: 'gateway' });
  const secret = join(stage.keys.dir, 'hook-secret');
  await writeFile(secret, `whsec_${Buffer.from('very secret').toString('base64')}`, { mode: 0o600 });
  const settings = {
    SLIPWAY_SMTP_URL: `smtp://127.0.0.1:${proxy.port}`,
    SLIPWAY_SMTP_FROM: 'Slipway <slipway@shop.example>',
    SLIPWAY_WEBHOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook?token=x`,
    SLIPWAY_WEBHOOK_SECRET_FILE: secret,
  };
  for (let replica = 0; replica < 2; replica++) await stage.start(NotifierModule, settings);
  for (const person of [tester, operator])
    await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
});
afterAll(async () => {
  await stage.clear();
  await proxy.close();
  await new Promise<void>((resolve) => smtp.close(resolve));
  await new Promise((resolve) => hook.close(resolve));
});

async function failedChecks(authors = [author], release = aRelease()): Promise<string> {
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

const mailsTo = (address: string) => mails.filter((mail) => JSON.stringify(mail.to).includes(address));
/** The mails about this request that are still to be sent. */
const owedFor = (request: string) =>
  stage.database.query(
    `select 1 from slipway_notifier.operation where kind = 'mail' and key like '%' || $1 || '%' and finished_at is null`,
    [request],
  );
const somebody = (address: string) => ({ name: address, email: address, account: null });
const mailed = (event: string, within?: number) =>
  stage.hears(NotificationDelivered, (data) => data.event === event && data.channel === 'mail', within);

/** Says that this release asks to go to pre-release; what runs in test as given. */
function ask(request: string, release: Release, inTest: Release): Promise<string> {
  const file = aProjectFile();
  const image = { repository: 'localhost:5000/shop', digest: aDigest(release.id) };
  const target = { version: 1, file: aTargetFile() };
  const of = {
    project: { version: 1, file },
    environment: 'pre-release',
    release,
    image,
    repositoryFile: null,
    target,
    secretVersions: {},
  };
  const resolved = resolveDeployment(of);
  if (!resolved.ok) throw new Error(resolved.reason.message);
  return stage.say('approval', ApprovalRequested, {
    subject: release.id,
    data: {
      ...{ request, release, environment: 'pre-release', deployment: resolved.deployment, asks: 'a'.repeat(64), previous: null },
      ...{ require: [{ role: 'tester', count: 1 }], missing: ['1 more tester'], involved: [], unmatched: [], authors: [] },
      ...{ soakUntil: null, expiresAt: '2030-01-01T00:00:00.000Z', newerAvailable: null },
      eligible: [tester, operator].map(({ id, name }) => ({ id, name })),
      inTest: { environment: 'test', address: 'http://127.0.0.1:20000', release: inTest, image },
      deployAgain: inTest.id === release.id ? null : deployAgain(release, 'test'),
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

  it('asks those who may sign, each in their language, once though the request is said again', async () => {
    const [release, other] = [aRelease({ number: 42 }), aRelease({ number: 43 })];
    const request = anId();
    for (const inTest of [release, other]) await stage.handles('notifier', await ask(request, release, inTest));
    await eventually(async () => (await owedFor(request)).length === 0);
    const [zh, ...more] = mailsTo('tess@shop.example');
    expect(more).toEqual([]);
    expect(zh).toMatchObject({
      subject: 'shop/42 申请进入 pre-release',
      text: expect.stringContaining('slipway approve shop/42 pre-release'),
    });
    expect(zh?.html).toContain('<html lang="zh">');
    expect(mailsTo('otto@shop.example').map(({ subject }) => subject)).toEqual(['shop/42 asks to go to pre-release']);
  });

  it('says it to somebody who is asked later what runs in test by then, and how to have the build back', async () => {
    const [release, other] = [aRelease({ number: 44 }), aRelease({ number: 45 })];
    await ask(anId(), release, other);
    await eventually(() => mailsTo('otto@shop.example').length === 2);
    const text = mailsTo('otto@shop.example').at(-1)?.text;
    expect(text).toContain('In test now: shop/45');
    expect(text).toContain('slipway environment deploy shop test --release shop/44');
  });

  it('tells whoever signed that it counts no more, or that another release goes instead', async () => {
    const release = aRelease({ number: 46 });
    const about = { request: anId(), release, environment: 'pre-release', signedBy: [{ id: operator.id, name: operator.name }] };
    const reason = { code: 'changed', message: 'release 1 runs in pre-release now' };
    const voided = await stage.say('approval', ApprovalVoided, { subject: release.id, data: { ...about, reason, changed: [] } });
    expect(await mailed(voided)).toMatchObject({ to: 'otto@shop.example', template: 'approval.voided' });
    expect(mailsTo('otto@shop.example').at(-1)?.text).toContain(reason.message);
    const by = aRelease({ number: 47 });
    const superseded = await stage.say('approval', ApprovalSuperseded, { subject: release.id, data: { ...about, by } });
    expect(await mailed(superseded)).toMatchObject({ to: 'otto@shop.example', template: 'approval.superseded' });
  });

  it('mails once when the same event is heard twice, even where that it was heard is forgotten', async () => {
    const release = aRelease();
    const event = await failedChecks([somebody('once@shop.example')], release);
    await mailed(event);
    await stage.database.query('delete from slipway_notifier.inbox where event_id = $1', [event]);
    await stage.database.query('update slipway_test_deployer.outbox set published_at = null where event_id = $1', [event]);
    // In order behind what is said again, as it is about the same release.
    await mailed(await failedChecks([somebody('marker@shop.example')], release), 40_000);
    expect(await stage.database.query('select 1 from slipway_notifier.inbox where event_id = $1', [event])).toHaveLength(1);
    expect(mailsTo('once@shop.example')).toHaveLength(1);
    expect(posts.filter((each) => each.headers['webhook-id'] === event)).toHaveLength(1);
  });

  it('tries again later, with pauses, where the mail server says so', async () => {
    const event = await failedChecks([somebody('busy@shop.example')]);
    expect(await mailed(event, 40_000)).toMatchObject({ attempts: 3, to: 'busy@shop.example' });
    expect(mailsTo('busy@shop.example')).toHaveLength(1);
  });

  it('delivers once when a mail server that was away is back', async () => {
    proxy.refuse();
    const turnedAway = proxy.refused;
    const event = await failedChecks([somebody('away@shop.example')]);
    await eventually(() => proxy.refused >= turnedAway + 2, { within: 40_000 });
    proxy.restore();
    expect((await mailed(event, 40_000)).attempts).toBeGreaterThan(2);
    expect(mailsTo('away@shop.example')).toHaveLength(1);
  });
});
