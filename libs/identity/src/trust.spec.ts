import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { payloadTypes } from './payload-types.js';
import { loadServiceKey, newServiceKeyFile, serviceKeyOf } from './service-key.js';
import { initKeys, keyFileIn, revokeKey, rotateKeys, trustFileIn } from './service-keys.js';
import { loadTrustFile, type TrustEntry, TrustFile, trustOf } from './trust.js';

const now = new Date('2026-11-23T06:00:00Z');
const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const bytes = Buffer.from('{"a":1}');
const approval = serviceKeyOf(newServiceKeyFile('approval', now));
const gateway = serviceKeyOf(newServiceKeyFile('gateway', now));

function entry(key: typeof approval, change: Partial<TrustEntry> = {}): TrustEntry {
  return { keyId: key.keyId, service: key.service, publicKey: key.publicKey, may: ['events', 'grant'], ...change };
}
const trusting = (...keys: TrustEntry[]) => trustOf(TrustFile.parse({ kind: 'slipway-trust', version: 1, keys }));

describe('trust', () => {
  it('believes a signature of a pinned key for what it may sign', async () => {
    const signature = await approval.signer.sign(payloadTypes.grant, bytes);
    expect(trusting(entry(approval)).verify(payloadTypes.grant, bytes, [signature], { service: 'approval', at: now })).toEqual({
      ok: true,
      keyId: approval.keyId,
    });
  });

  it('believes one good signature among several, and none among too many', async () => {
    const trust = trusting(entry(approval), entry(gateway));
    const good = await approval.signer.sign(payloadTypes.events, bytes);
    const other = await gateway.signer.sign(payloadTypes.events, bytes);
    expect(trust.verify(payloadTypes.events, bytes, [other, { keyid: 'unknown', sig: 'x' }, good], { service: 'approval' }).ok).toBe(true);
    expect(trust.verify(payloadTypes.events, bytes, [...Array<typeof other>(8).fill(other), good], { service: 'approval' })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('at most 8'),
    });
  });

  it.each([
    ['no signature', [], {}, 'approval', 'not signed'],
    ['the key of another service', ['gateway'], {}, 'approval', "gateway's"],
    ['a purpose that key has not', ['approval'], { may: ['events'] }, 'approval', 'may not sign grant'],
    ['a key that has ended', ['approval'], { notAfter: later(-6).toISOString() }, 'approval', 'ended at'],
    ['a key that has not begun', ['approval'], { notBefore: later(6).toISOString() }, 'approval', 'good only from'],
  ] as const)('refuses %s and says so', async (_, signers, change, service, words) => {
    const trust = trusting(entry(approval, change as Partial<TrustEntry>), entry(gateway));
    const signatures = await Promise.all(
      signers.map(async (name) => (name === 'approval' ? approval : gateway).signer.sign(payloadTypes.grant, bytes)),
    );
    expect(trust.verify(payloadTypes.grant, bytes, signatures, { service, at: now })).toMatchObject({
      ok: false,
      reason: expect.stringContaining(words),
    });
  });

  it('allows clocks five minutes of difference at either end of a key', async () => {
    const signature = await approval.signer.sign(payloadTypes.grant, bytes);
    const trust = trusting(entry(approval, { notBefore: now.toISOString(), notAfter: now.toISOString() }));
    expect(
      [-6, -4, 4, 6].map((minutes) => trust.verify(payloadTypes.grant, bytes, [signature], { service: 'approval', at: later(minutes) }).ok),
    ).toEqual([false, true, true, false]);
  });

  it('refuses changed bytes, another payload type and a type nobody may sign', async () => {
    const trust = trusting(entry(approval));
    const signature = await approval.signer.sign(payloadTypes.grant, bytes);
    const who = { service: 'approval' } as const;
    expect(trust.verify(payloadTypes.grant, Buffer.from('{"a":2}'), [signature], who).ok).toBe(false);
    expect(trust.verify(payloadTypes.events, bytes, [signature], who).ok).toBe(false);
    const free = await approval.signer.sign('text/plain', bytes);
    expect(trust.verify('text/plain', bytes, [free], who)).toMatchObject({ ok: false, reason: expect.stringContaining('no key may sign') });
  });

  it('refuses a file whose key id is not its key, or that lists a key twice', () => {
    const parse = (...keys: TrustEntry[]) => TrustFile.safeParse({ kind: 'slipway-trust', version: 1, keys }).success;
    expect(parse(entry(approval))).toBe(true);
    expect(parse(entry(approval, { keyId: gateway.keyId }))).toBe(false);
    expect(parse(entry(approval), entry(approval))).toBe(false);
  });
});

describe('keys on disk', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-keys-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const services = ['approval', 'gateway'] as const;

  it('are made once, 0600, and the trust file pins them', async () => {
    const ring = await initKeys({ dir, services });
    const first = await loadServiceKey(keyFileIn(dir, 'approval'));
    expect(await initKeys({ dir, services })).toEqual(ring);
    const again = await loadServiceKey(keyFileIn(dir, 'approval'));
    expect(again.keyId).toBe(first.keyId);
    expect((await stat(keyFileIn(dir, 'approval'))).mode & 0o777).toBe(0o600);
    const trust = await loadTrustFile(ring.trustFile);
    const signature = await first.signer.sign(payloadTypes.grant, bytes);
    expect(trust.verify(payloadTypes.grant, bytes, [signature], { service: 'approval' })).toEqual({ ok: true, keyId: first.keyId });
  });

  it('are the same for two processes that start at once', async () => {
    await Promise.all([initKeys({ dir, services }), initKeys({ dir, services }), initKeys({ dir, services })]);
    const trust = TrustFile.parse(JSON.parse(await readFile(trustFileIn(dir), 'utf8')));
    const ids = await Promise.all(services.map(async (service) => (await loadServiceKey(keyFileIn(dir, service))).keyId));
    expect(trust.keys.map((key) => key.keyId).sort()).toEqual(ids.sort());
  });

  it.each([0o640, 0o604, 0o620])('are refused with mode %o, with the chmod that helps', async (mode) => {
    await initKeys({ dir, services });
    await chmod(keyFileIn(dir, 'approval'), mode);
    await expect(loadServiceKey(keyFileIn(dir, 'approval'))).rejects.toThrow(`chmod 600 ${keyFileIn(dir, 'approval')}`);
  });

  it('never show a secret in an error', async () => {
    await initKeys({ dir, services });
    const file = keyFileIn(dir, 'approval');
    const content = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...content, secret: 'tell-nobody' }));
    const error: Error = await loadServiceKey(file).then(
      () => new Error('loaded'),
      (caught: Error) => caught,
    );
    expect(error.message).toContain('secret (invalid_format)');
    expect(error.message).not.toContain('tell-nobody');
    await writeFile(file, `${content.privateKey.d} is not JSON`);
    await expect(loadServiceKey(file)).rejects.toThrow(/^(?!.*[A-Za-z0-9_-]{43} is not).*is not JSON/s);
  });

  it('derive the same keys after a rotation, another for every purpose and service', async () => {
    await initKeys({ dir, services });
    const before = await loadServiceKey(keyFileIn(dir, 'gateway'));
    await rotateKeys({ dir, services });
    const after = await loadServiceKey(keyFileIn(dir, 'gateway'));
    expect(after.keyId).not.toBe(before.keyId);
    expect(after.derive('tokens')).toEqual(before.derive('tokens'));
    expect(after.derive('e-mail')).not.toEqual(before.derive('tokens'));
    expect((await loadServiceKey(keyFileIn(dir, 'approval'))).derive('tokens')).not.toEqual(before.derive('tokens'));
  });

  it('rotate with overlap: the old key verifies until its end, a running service learns the new one', async () => {
    const { trustFile } = await initKeys({ dir, services });
    const old = await loadServiceKey(keyFileIn(dir, 'approval'));
    const running = await loadTrustFile(trustFile);
    await rotateKeys({ dir, services, overlapMs: 3600_000 });
    const fresh = await loadServiceKey(keyFileIn(dir, 'approval'));
    const by = async (key: typeof old, at: Date) =>
      running.verify(payloadTypes.grant, bytes, [await key.signer.sign(payloadTypes.grant, bytes)], { service: 'approval', at }).ok;
    const start = Date.now();
    expect(await by(fresh, new Date(start))).toBe(true);
    expect(await by(old, new Date(start + 3000_000))).toBe(true);
    expect(await by(old, new Date(start + 4500_000))).toBe(false);
    expect(await by(fresh, new Date(start + 4500_000))).toBe(true);
  });

  it('are learnt by a running service also after the clock of its machine was set back', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { trustFile } = await initKeys({ dir, services });
    const running = await loadTrustFile(trustFile);
    const unknown = (await loadServiceKey(keyFileIn(dir, 'approval'))).signer;
    running.verify(payloadTypes.grant, bytes, [{ ...(await unknown.sign(payloadTypes.grant, bytes)), keyid: 'unknown' }], {
      service: 'approval',
    });
    await rotateKeys({ dir, services, overlapMs: 3600_000 });
    const { signer } = await loadServiceKey(keyFileIn(dir, 'approval'));
    vi.setSystemTime(Date.now() - 120_000);
    vi.advanceTimersByTime(1500);
    expect(running.verify(payloadTypes.grant, bytes, [await signer.sign(payloadTypes.grant, bytes)], { service: 'approval' }).ok).toBe(
      true,
    );
  });

  it('go on with the key a broken-off rotation had begun, and do not lengthen the old one', async () => {
    const { trustFile } = await initKeys({ dir, services, now });
    const begun = newServiceKeyFile('approval', now);
    await writeFile(`${keyFileIn(dir, 'approval')}.next`, JSON.stringify(begun), { mode: 0o600 });
    await rotateKeys({ dir, services: ['approval'], now, overlapMs: 60_000 });
    expect((await loadServiceKey(keyFileIn(dir, 'approval'))).keyId).toBe(begun.keyId);
    await rotateKeys({ dir, services: ['approval'], now: later(0.5), overlapMs: 3600_000 });
    const keys = TrustFile.parse(JSON.parse(await readFile(trustFile, 'utf8'))).keys.filter((key) => key.service === 'approval');
    expect(keys.map((key) => key.notAfter)).toEqual([later(1).toISOString(), later(60.5).toISOString(), undefined]);
    // What the first key signed in its time is still believed of that time, until the key is revoked.
    const first = keys[0]?.keyId ?? '';
    expect(await revokeKey({ dir, keyId: first })).toBe(true);
    expect(await revokeKey({ dir, keyId: first })).toBe(false);
    expect((await readFile(trustFile, 'utf8')).includes(first)).toBe(false);
  });

  it('are not trusted from a file others can write to', async () => {
    const { trustFile } = await initKeys({ dir, services });
    await chmod(trustFile, 0o664);
    await expect(loadTrustFile(trustFile)).rejects.toThrow('chmod go-w');
  });
});
