import { createHmac } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { request } from 'node:http';
import { CommitDetected, CommitIgnored } from '@slipway/contracts';
import type { Booted } from '@slipway/service-kit';
import { eventually, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Repository, Stage } from '../a-stage.contract.js';

describe('webhooks', () => {
  let stage: Stage;
  let one: Booted;
  let two: Booted;
  let repository: Repository;
  let n = 0;
  const secret = "It's a Secret to Everybody";

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    one = await stage.start();
    two = await stage.start({
      SLIPWAY_DATA_DIR: `${stage.folder}/two`,
      SLIPWAY_KEY_FILE: stage.keys.keyFiles['source-watcher'] ?? '',
      SLIPWAY_TRUST_FILE: stage.keys.trustFile,
    });
    repository = await stage.repository('shop');
    await repository.commit({ a: '1' });
    await repository.push();
    for (const provider of ['github', 'gitea', 'generic'] as const) {
      await stage.secret(provider, 'webhook', `${secret}\n`);
      await stage.apply(stage.file(provider, { url: repository.url, poll: '1h', webhook: provider }));
      await stage.nth(CommitDetected, provider, 1);
    }
    await stage.apply(stage.file('unset', { url: repository.url, poll: '1h', webhook: { provider: 'github', secret: 'nowhere' } }));
  });
  afterAll(() => stage.strike());

  const sign = (body: string, key = secret) => createHmac('sha256', key).update(body).digest('hex');
  const push = (revision: string, more: Record<string, unknown> = {}) =>
    JSON.stringify({
      ref: 'refs/heads/main',
      after: revision,
      pusher: { name: 'Pat Pusher', email: 'pat@shop.example' },
      sender: { login: 'pat' },
      repository: { clone_url: 'http://169.254.169.254/' },
      ...more,
    });
  const github = (body: string, more: Record<string, string> = {}) => ({
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': `delivery-${++n}`,
    'x-hub-signature-256': `sha256=${sign(body)}`,
    ...more,
  });
  const send = async (body: string, headers: Record<string, string>, { to = one, path = '/webhooks/github/github' } = {}) => {
    const answer = await fetch(to.url + path, { method: 'POST', headers, body });
    return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
  };
  const next = async () => {
    const revision = await repository.commit({ a: `${Math.random()}` });
    await repository.push();
    return revision;
  };

  it('makes the poll sooner, and knows who pushed', async () => {
    const revision = await next();
    const body = push(revision);
    expect(await send(body, github(body))).toMatchObject({ status: 202 });
    const born = await stage.nth(CommitDetected, 'github', 2);
    expect(born).toMatchObject({
      release: { revision },
      pusher: { name: 'Pat Pusher', email: 'pat@shop.example', account: 'pat' },
      trigger: { kind: 'webhook' },
    });
  });

  it('knows who pushed what was ignored, when it comes in with what is not', async () => {
    const pushes = async (file: string, more: Record<string, unknown> = {}) => {
      const body = push(await repository.commit({ 'slipway.yaml': file }), more);
      await repository.push();
      expect(await send(body, github(body))).toMatchObject({ status: 202 });
    };
    await pushes('nothing that is known');
    await stage.nth(CommitIgnored, 'github', 1);
    await pushes('apiVersion: slipway.dev/v1\nkind: Repository\n', {
      pusher: { name: 'Carol', email: 'carol@shop.example' },
      sender: { login: 'carol' },
    });
    const born = await stage.nth(CommitDetected, 'github', 3);
    expect(born).toMatchObject({ pusher: { name: 'Carol' }, range: { total: 2 } });
    expect(born.people.map(({ email }) => email)).toContain('pat@shop.example');
  });

  it("takes Gitea's and the generic signature", async () => {
    const revision = await next();
    const body = push(revision);
    const json = { 'content-type': 'application/json' };
    expect(
      await send(
        body,
        { ...json, 'x-gitea-event': 'push', 'x-gitea-delivery': 'g1', 'x-gitea-signature': sign(body) },
        { path: '/webhooks/gitea/gitea' },
      ),
    ).toMatchObject({ status: 202 });
    expect(
      await send(body, { ...json, 'idempotency-key': 'x1', 'x-signature': `sha256=${sign(body)}` }, { path: '/webhooks/generic/generic' }),
    ).toMatchObject({ status: 202 });
    for (const project of ['gitea', 'generic']) expect((await stage.nth(CommitDetected, project, 2)).release.revision).toBe(revision);
  });

  it('takes the same delivery once, on two replicas at the same moment too', async () => {
    const revision = await next();
    const body = push(revision);
    const headers = github(body);
    const before = stage.of(CommitDetected, 'github').length;
    const answers = await Promise.all([one, two, one, two].map((to) => send(body, headers, { to })));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    await stage.nth(CommitDetected, 'github', before + 1);
    expect(await send(body, headers)).toMatchObject({ status: 200, text: 'seen before\n' });
    expect(await send(body, { ...headers, 'x-github-delivery': 'another-id' })).toMatchObject({ status: 202 });
    const later = push(await next());
    await send(later, github(later));
    await stage.nth(CommitDetected, 'github', before + 2);
    expect(stage.of(CommitDetected, 'github').map(({ release }) => release.number)).toEqual(
      Array.from({ length: before + 2 }, (_each, at) => at + 1),
    );
  });

  it('refuses what is not signed with the secret', async () => {
    const body = push('0'.repeat(40));
    const forged: Record<string, string>[] = [
      { 'x-hub-signature-256': '' },
      { 'x-hub-signature-256': `sha256=${sign(body, 'other')}` },
      { 'x-hub-signature-256': `sha256=${sign(`${body} `)}` },
      { 'x-hub-signature-256': sign(body).slice(0, 40) },
      { 'x-hub-signature-256': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` },
    ];
    for (const headers of forged) expect(await send(body, github(body, headers)), JSON.stringify(headers)).toMatchObject({ status: 401 });
    const { 'x-hub-signature-256': _, ...unsigned } = github(body);
    expect(
      await send(body, { ...unsigned, 'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` }),
    ).toMatchObject({ status: 401 });
    expect(await send(body, github(body), { path: '/webhooks/github/unset' })).toMatchObject({ status: 401 });
  });

  it('believes no secret that others on the machine can read', async () => {
    const body = push('0'.repeat(40));
    const file = await stage.secret('github', 'webhook', `${secret}\n`);
    await chmod(file, 0o644);
    expect(await send(body, github(body))).toMatchObject({ status: 503, retryAfter: '60' });
    await chmod(file, 0o600);
    expect(await send(body, github(body))).toMatchObject({ status: 202 });
  });

  it('answers what it does not serve', async () => {
    const body = push('0'.repeat(40));
    expect(await send(body, github(body), { path: '/webhooks/github/nobody' })).toMatchObject({ status: 404 });
    expect(await send(body, github(body), { path: '/webhooks/gitea/github' })).toMatchObject({ status: 404 });
    expect(await send(body, github(body), { path: '/webhooks/github/..%2fetc' })).toMatchObject({ status: 404 });
    expect(await send(body, github(body, { 'content-type': 'text/plain' }))).toMatchObject({ status: 415 });
    expect(await send(body, github(body, { 'x-github-event': 'ping' }))).toMatchObject({ status: 200 });
  });

  it('stands malformed bodies', async () => {
    const bodies = [
      '',
      'no json',
      '[]',
      '"x"',
      '{"ref":1}',
      `${'['.repeat(100_000)}`,
      `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"ref":[]}`,
    ];
    for (const body of bodies) expect((await send(body, github(body))).status, body.slice(0, 20)).toBe(400);
    const odd = [
      '{"__proto__":{"ref":"refs/heads/main"}}',
      '{"ref":"refs/heads/a\\u0000b","after":"zz"}',
      '{"ref":"refs/heads/\\ud800","pusher":{"name":"\\u0000\\u001b[2J"}}',
    ];
    for (const body of odd) expect((await send(body, github(body))).status, body).toBe(202);
    expect((await fetch(`${one.url}/health/live`)).status).toBe(200);
  });

  it("takes GitHub's form, signed over its raw bytes", async () => {
    const body = new URLSearchParams({ payload: push('0'.repeat(39).concat('1')) }).toString();
    expect(await send(body, github(body, { 'content-type': 'application/x-www-form-urlencoded' }))).toMatchObject({ status: 202 });
  });

  it('cuts a body without an end at its limit', async () => {
    const small = await stage.start({
      SLIPWAY_WEBHOOK_LIMIT: '4096',
      SLIPWAY_DATA_DIR: `${stage.folder}/small`,
      SLIPWAY_KEY_FILE: stage.keys.keyFiles['source-watcher'] ?? '',
      SLIPWAY_TRUST_FILE: stage.keys.trustFile,
    });
    expect(await send('x'.repeat(5_000), github(''), { to: small })).toMatchObject({ status: 413 });
    const sent = await endless(`${small.url}/webhooks/github/github`);
    expect(sent.status).toBe(413);
    expect(sent.bytes).toBeLessThan(50_000_000);
    await small.stop();
  });

  it('says 503 soon and takes nothing when the database is away; the poll finds it afterwards', async () => {
    const { proxy, through } = await TcpProxy.before(stage.database.url);
    const third = await stage.start({
      DATABASE_URL: through,
      SLIPWAY_DATA_DIR: `${stage.folder}/third`,
      SLIPWAY_KEY_FILE: stage.keys.keyFiles['source-watcher'] ?? '',
      SLIPWAY_TRUST_FILE: stage.keys.trustFile,
    });
    const body = push(await next());
    const headers = github(body);
    proxy.pause();
    const before = performance.now();
    const answer = await send(body, headers, { to: third });
    expect(answer).toMatchObject({ status: 503, retryAfter: '10' });
    expect(performance.now() - before).toBeLessThan(2_500);
    proxy.resume();
    proxy.refuse();
    expect(await send(push('0'.repeat(40)), github(push('0'.repeat(40))), { to: third })).toMatchObject({ status: 503 });
    proxy.restore();
    await eventually(async () => expect([200, 202]).toContain((await send(body, headers, { to: third })).status), { within: 20_000 });
    await third.stop();
    await proxy.close();
  }, 60_000);

  it('asks to come later when there are too many', async () => {
    const body = 'x';
    const flood = () => Promise.all(Array.from({ length: 100 }, () => send(body, github(body), { path: '/webhooks/github/flooded' })));
    // A flood may fall on two windows, and both take their share.
    const answers = await eventually(async () => {
      const some = await flood();
      return some.some(({ status }) => status === 429) && some;
    });
    expect(answers.every(({ status }) => status === 404 || status === 429)).toBe(true);
    expect(answers.find(({ status }) => status === 429)?.retryAfter).toMatch(/^\d+$/);
  });

  it('takes the first that a forge sends in the middle of a flood for names that nobody knows', async () => {
    const flood = () =>
      Promise.all(Array.from({ length: 100 }, (_, at) => send('x', github('x'), { to: two, path: `/webhooks/gitea/nobody-${at}` })));
    await eventually(async () => (await flood()).some(({ status }) => status === 429));
    const body = push('0'.repeat(40), { first: true });
    const headers = {
      'content-type': 'application/json',
      'x-gitea-event': 'push',
      'x-gitea-delivery': 'g2',
      'x-gitea-signature': sign(body),
    };
    expect(await send(body, headers, { to: two, path: '/webhooks/gitea/gitea' })).toMatchObject({ status: 202 });
  });

  it('takes what a forge signed in the middle of a flood of what nobody did', async () => {
    const body = push('0'.repeat(40), { flood: true });
    const forged = github(body, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` });
    const flood = await Promise.all(Array.from({ length: 700 }, () => send(body, forged)));
    expect(flood.every(({ status }) => status === 401)).toBe(true);
    expect((await send(body, github(body))).status).toBe(202);
  });
});

/** Posts without a length and without an end, until it is cut off. */
function endless(url: string): Promise<{ status: number | undefined; bytes: number }> {
  return new Promise((resolve) => {
    let bytes = 0;
    let status: number | undefined;
    const chunk = Buffer.alloc(65_536, 120);
    const posting = request(url, { method: 'POST', headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } });
    const ended = () => resolve({ status, bytes });
    posting.on('response', (response) => {
      status = response.statusCode;
      response.resume().on('end', () => posting.destroy());
    });
    posting.on('error', ended).on('close', ended);
    const more = () => {
      while (!posting.destroyed && bytes < 1_000_000_000) {
        bytes += chunk.length;
        if (!posting.write(chunk)) return posting.once('drain', more);
      }
    };
    more();
  });
}
