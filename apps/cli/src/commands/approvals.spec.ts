import { readFile, stat } from 'node:fs/promises';
import { routes } from '@slipway/api';
import { SignOffPosted } from '@slipway/contracts';
import { verifySignOff } from '@slipway/identity';
import { deployAgain } from '@slipway/release';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { anApproval, digest, oldDigest, release, tess, time } from '../answers.example.js';
import type { Approval } from '../asked.js';
import { GatewayDouble, Refusal } from '../gateway-double.fixture.js';

const terminal = new Terminal();
let double: GatewayDouble | undefined;
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

const request = anApproval().request;
const posted = { request, posted: release.id, state: 'accepted' as const, missing: [] };
const asking = (...approvals: ReturnType<typeof anApproval>[]) => ({
  listApprovals: () => ({ items: approvals.length > 0 ? approvals : [anApproval()], cursor: null }),
  getApproval: () => approvals[0] ?? anApproval(),
  signOff: () => posted,
  me: () => tess,
});
const signOffs = () => double?.asked.filter(({ route }) => route === 'signOff').map(({ body }) => body);

describe('approve', () => {
  it('shows what is asked, asks, and signs off what was shown', async () => {
    double = await GatewayDouble.start(asking());
    const ran = await terminal.run(['approve', 'shop/42', '--url', double.url], { tty: true, types: ['y'], env: { NO_COLOR: '1' } });
    expect(ran.exit).toBe(0);
    for (const shown of [
      digest,
      'Ann Author <ann@shop.example>',
      'env GREETING=hello',
      'secret db-password (version v1)',
      '4 × 0.5 CPU, 256Mi',
      'the Docker Engine of the service, answering on 10.0.0.7',
      'test runs shop/42, this very image',
      '2 since shop/40 (f00d00f00d00)',
      'c0ffee00c0ff  Ann Author: Sell hats',
      'beef00beef00  Bob Builder: Count hats',
      `another image than ${oldDigest}`,
      'app.env.GREETING changed from hi to hello',
    ])
      expect(ran.out).toContain(shown);
    expect(terminal.questions.at(-1)).toBe('Sign off shop/42 for production? [y/N] ');
    expect(signOffs()).toEqual([{ decision: 'approve', comment: '' }]);
  });

  it('does nothing when the person does not say yes', async () => {
    double = await GatewayDouble.start(asking());
    expect((await terminal.run(['approve', 'shop/42', '--url', double.url], { tty: true, types: [''] })).exit).toBe(1);
    expect(signOffs()).toEqual([]);
  });

  it('asks for --yes where nobody can be asked', async () => {
    double = await GatewayDouble.start(asking());
    const ran = await terminal.run(['approve', 'shop/42', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') });
    expect((await terminal.run(['approve', 'shop/42', '--no-input', '--url', double.url], { tty: true })).exit).toBe(2);
    expect((await terminal.run(['approve', 'shop/42', '--yes', '--json', '--url', double.url])).json()).toMatchObject({
      state: 'accepted',
      missing: [],
    });
  });

  it('refuses to sign for anything but what is shown', async () => {
    double = await GatewayDouble.start(asking(anApproval({ asks: 'f'.repeat(64) })));
    const ran = await terminal.run(['approve', 'shop/42', '--yes', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 1, err: expect.stringContaining('do not sign') });
    expect(signOffs()).toEqual([]);
  });

  it('wants to know for which environment when several ask', async () => {
    double = await GatewayDouble.start(asking(anApproval(), anApproval({ environment: 'pre-release', request: release.id })));
    const ran = await terminal.run(['approve', 'shop/42', '--yes', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining('production and for pre-release') });
    expect((await terminal.run(['approve', 'shop/42', 'pre-release', '--yes', '--url', double.url])).exit).toBe(0);
    expect(double.asked.at(-1)?.params).toEqual({ id: release.id });
  });

  it('says so when nobody is asked, or it is decided', async () => {
    double = await GatewayDouble.start(asking(anApproval({ state: 'granted' })));
    expect(await terminal.run(['approve', 'shop/41', '--yes', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('nobody is asked about shop/41'),
    });
    expect(await terminal.run(['approve', request, '--yes', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('granted already'),
    });
  });

  it('tells the refusal of approval, also when it comes late', async () => {
    double = await GatewayDouble.start({ ...asking(), signOff: () => new Refusal({ status: 409, title: 'it is your own change' }) });
    expect(await terminal.run(['approve', 'shop/42', '--yes', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('your own change'),
    });
    await double.stop();
    const late = anApproval({
      refusals: [{ person: { id: tess.id, name: tess.name }, reason: 'a second vote', at: '2026-11-23T05:00:00.000Z' }],
    });
    double = await GatewayDouble.start({ ...asking(), signOff: () => ({ ...posted, state: 'pending' as const }), getApproval: () => late });
    expect(await terminal.run(['approve', 'shop/42', '--yes', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('a second vote'),
    });
  });

  it('ends with 4 when approval does not answer', async () => {
    double = await GatewayDouble.start({ ...asking(), signOff: () => ({ ...posted, state: 'pending' as const }) });
    expect((await terminal.run(['approve', 'shop/42', '--yes', '--wait', '0s', '--url', double.url])).exit).toBe(4);
  });
});

describe('approve, when another build runs in test', () => {
  const other = { ...release, id: '01900000-0000-7000-8000-000000000043', number: 43 };
  const replaced = anApproval({
    inTest: { environment: 'test', address: '', release: other, image: { repository: 'localhost:5000/shop', digest: oldDigest } },
    deployAgain: deployAgain(release, 'test'),
  });
  const deploying = () => ({
    ...asking(replaced),
    deploy: () => ({ command: release.id, state: 'accepted' as const, message: 'release 42 goes to test' }),
  });
  const deploys = () => double?.asked.filter(({ route }) => route === 'deploy');

  it('says so with the command that has it back, and offers to do it instead of signing', async () => {
    double = await GatewayDouble.start(deploying());
    const ran = await terminal.run(['approve', 'shop/42', '--url', double.url], { tty: true, types: ['y'] });
    expect(ran).toMatchObject({ exit: 0, err: expect.stringContaining('Nothing is signed yet') });
    expect(ran.out).toContain('test runs shop/43, ANOTHER image');
    expect(ran.out).toContain('slipway environment deploy shop test --release shop/42');
    expect(terminal.questions.at(-1)).toBe('Put shop/42 into test again to look at it first, in place of shop/43? [y/N] ');
    // The request's own words are the call: what a program posts is what this posts.
    expect(deploys()).toMatchObject([{ params: { project: 'shop', environment: 'test' }, body: replaced.deployAgain?.call.body }]);
    expect(routes.deploy.path.replace('{project}', 'shop').replace('{environment}', 'test')).toBe(replaced.deployAgain?.call.path);
    expect(signOffs()).toEqual([]);
  });

  it('signs all the same when the person wants that, or said --yes', async () => {
    double = await GatewayDouble.start(deploying());
    expect((await terminal.run(['approve', 'shop/42', '--url', double.url], { tty: true, types: ['n', 'y'] })).exit).toBe(0);
    expect((await terminal.run(['approve', 'shop/42', '--yes', '--url', double.url], { tty: true })).exit).toBe(0);
    expect(deploys()).toEqual([]);
    expect(signOffs()).toHaveLength(2);
  });

  it('offers nothing to who may not do it', async () => {
    double = await GatewayDouble.start({ ...deploying(), me: () => ({ ...tess, roles: [] }) });
    expect((await terminal.run(['approve', 'shop/42', '--url', double.url], { tty: true, types: ['y'] })).exit).toBe(0);
    expect(signOffs()).toHaveLength(1);
  });

  it('tells of the earlier no, and why an earlier request ended without one', async () => {
    const earlier = async (previous: Approval['previous']) => {
      double = await GatewayDouble.start(asking(anApproval({ previous })));
      const { out } = await terminal.run(['approval', 'show', 'shop/42', '--url', double.url]);
      await double.stop();
      return out;
    };
    const id = '01900000-0000-7000-8000-0000000000ab';
    const voided = { code: 'changed', message: 'the earlier request was voided: release 41 runs there now' };
    expect(await earlier({ request: id, reason: voided, by: null })).toMatch(
      /before +the earlier request was voided: release 41 runs there now/,
    );
    const no = { code: 'rejected', message: 'the basket is empty' };
    expect(await earlier({ request: id, reason: no, by: tess })).toMatch(/before +rejected by Tess Tester: the basket is empty/);
  });

  it('tells of who signed while it ran', async () => {
    const seen = { environment: 'test', release: 43, digest: oldDigest };
    const signed = {
      person: { id: tess.id, name: tess.name },
      decision: 'approve' as const,
      comment: '',
      via: 'http' as const,
      at: time,
      inTest: seen,
    };
    double = await GatewayDouble.start(asking(anApproval({ signOffs: [signed] })));
    expect((await terminal.run(['approval', 'show', 'shop/42', '--url', double.url])).out).toContain('while test ran shop/43');
  });
});

describe('reject', () => {
  it('wants the reason, as it reaches the authors', async () => {
    double = await GatewayDouble.start(asking());
    expect(await terminal.run(['reject', 'shop/42', '--yes', '--url', double.url])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--comment'),
    });
    expect((await terminal.run(['reject', 'shop/42', '-c', 'basket is empty', '--yes', '--url', double.url])).exit).toBe(0);
    expect(signOffs()).toEqual([{ decision: 'reject', comment: 'basket is empty' }]);
  });
});

describe('signing with one’s own key', () => {
  it('gives out the Kafka record, which verifies by the public half and says what was shown', async () => {
    const made = await terminal.run(['key', 'new', '--json']);
    const { keyId, publicJwk, file } = made.json<{ keyId: string; publicJwk: { kty: 'OKP'; crv: 'Ed25519'; x: string }; file: string }>();
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600');
    const key = { id: keyId, jwk: publicJwk, addedAt: '2026-11-23T05:00:00.000Z', revokedAt: null };
    double = await GatewayDouble.start({ ...asking(), me: () => ({ ...tess, keys: [key] }) });
    const out = terminal.at('sign-off.json');
    const ran = await terminal.run([
      'approve',
      'shop/42',
      '--yes',
      '--with-key',
      '--out',
      out,
      '--topic-prefix',
      'acme.',
      '--url',
      double.url,
    ]);
    expect(ran.exit).toBe(0);
    const record = JSON.parse(await readFile(out, 'utf8'));
    expect(record).toMatchObject({
      topic: 'acme.sign-offs',
      key: release.id,
      headers: { ce_type: SignOffPosted.type, ce_subject: release.id, ce_specversion: '1.0' },
    });
    const { proof } = SignOffPosted.data.parse(JSON.parse(record.value));
    const verified = proof.via === 'key' ? await verifySignOff(proof.jws, publicJwk, new Date()) : undefined;
    expect(verified).toMatchObject({ ok: true, claims: { request, asks: anApproval().asks, decision: 'approve', person: tess.id } });
    expect(signOffs()).toEqual([]);
    expect(JSON.stringify(double.asked)).not.toContain((JSON.parse(await readFile(file, 'utf8')) as { d: string }).d);
  });

  it('refuses a key nobody would believe, and says how to register it', async () => {
    double = await GatewayDouble.start(asking());
    expect(await terminal.run(['approve', 'shop/42', '--yes', '--with-key', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('slipway key add'),
    });
  });

  it('sends only the public half when a key is registered', async () => {
    double = await GatewayDouble.start({
      addKey: ({ body }) => ({ id: 'abcdefgh', jwk: (body as { jwk: never }).jwk, addedAt: '2026-11-23T05:00:00.000Z', revokedAt: null }),
    });
    expect((await terminal.run(['key', 'add', '--url', double.url])).exit).toBe(0);
    const [sent] = double.asked;
    expect(Object.keys((sent!.body as { jwk: object }).jwk).sort()).toEqual(['crv', 'kty', 'x']);
    const privateHalf = await readFile(terminal.at('.config', 'slipway', 'signing-key.json'), 'utf8');
    expect(await terminal.run(['key', 'add', '-', '--url', double.url], { stdin: privateHalf })).toMatchObject({
      exit: 2,
      err: expect.stringContaining('private key'),
    });
  });
});
