import type { DsseEnvelope, Service, VerdictStatement } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';
import { type Purpose, payloadTypes } from './payload-types.js';
import { proveGrant, proveProvenance, proveVerdict } from './proofs.js';
import { seal } from './sealed.js';
import { newServiceKeyFile, type ServiceKey, serviceKeyOf } from './service-key.js';
import { TrustFile, trustOf } from './trust.js';

const then = new Date('2026-09-01T06:00:00Z');
const digest = `sha256:${'a'.repeat(64)}`;
const release = '0192f0c1-0000-7000-8000-000000000001';
const keyOf = (service: Service) => serviceKeyOf(newServiceKeyFile(service, then));
const keys = { builder: keyOf('image-builder'), tester: keyOf('test-deployer'), approval: keyOf('approval') };
const trusting = (over: object = {}) => {
  const entry = (key: ServiceKey, may: Purpose) => ({
    keyId: key.keyId,
    service: key.service,
    publicKey: key.publicKey,
    may: [may],
    ...over,
  });
  const pinned = [entry(keys.builder, 'provenance'), entry(keys.tester, 'verdict'), entry(keys.approval, 'grant')];
  return trustOf(TrustFile.parse({ kind: 'slipway-trust', version: 1, keys: pinned }));
};

const provenance = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: 'a'.repeat(64) } }],
  predicateType: 'https://slsa.dev/provenance/v1',
};
const verdict: VerdictStatement = {
  outcome: 'passed',
  release,
  environment: 'test',
  deployment: '0192f0c1-0000-7000-8000-000000000002',
  image: { repository: 'localhost:5000/shop', digest },
  ran: 'b'.repeat(64),
  builtAt: then.toISOString(),
  time: then.toISOString(),
};
const built = (content: unknown = provenance, key = keys.builder) => seal(key.signer, payloadTypes.provenance, canonicalJson(content));
const passed = (content: unknown = verdict, key = keys.tester) => seal(key.signer, payloadTypes.verdict, canonicalJson(content));
const reading = (envelope: DsseEnvelope, at?: Date) => proveVerdict(trusting(), envelope, { release, digest }, at);

describe('the proof of an image', () => {
  it('is image-builder’s word for exactly this digest', async () => {
    expect(proveProvenance(trusting(), await built(), digest)).toEqual({ ok: true });
    expect(proveProvenance(trusting(), await built(), `sha256:${'c'.repeat(64)}`)).toMatchObject({
      reason: expect.stringContaining('of another image'),
    });
    expect(proveProvenance(trusting(), await built(provenance, keys.tester), digest)).toMatchObject({
      reason: expect.stringContaining("test-deployer's"),
    });
    expect(proveProvenance(trusting(), await built({ ...provenance, _type: 'else' }), digest).ok).toBe(false);
  });

  it('outlives its key, for whoever heard it while the key was good, and not a key that was taken back', async () => {
    const ended = trusting({ notAfter: '2026-10-01T00:00:00Z' });
    const envelope = await built();
    expect(proveProvenance(ended, envelope, digest, then)).toEqual({ ok: true });
    expect(proveProvenance(ended, envelope, digest, new Date('2026-11-01T00:00:00Z'))).toMatchObject({
      reason: expect.stringContaining('ended at'),
    });
    const revoked = trustOf(TrustFile.parse({ kind: 'slipway-trust', version: 1, keys: [] }));
    expect(proveProvenance(revoked, envelope, digest, then)).toMatchObject({ reason: expect.stringContaining('not in the trust file') });
  });
});

describe('the proof that a release passed', () => {
  it('is test-deployer’s word for this release with this image', async () => {
    expect(reading(await passed())).toEqual({ ok: true, statement: verdict });
  });

  it.each([
    ['another release', { ...verdict, release: '0192f0c1-0000-7000-8000-000000000009' }, 'of another release'],
    ['another image', { ...verdict, image: { ...verdict.image, digest: `sha256:${'c'.repeat(64)}` } }, 'of another image'],
    ['a release that failed', { ...verdict, outcome: 'failed' }, 'outcome'],
    ['nothing', 'no object', 'expected object'],
  ])('is none where it is about %s', async (_, content, words) => {
    expect(reading(await passed(content))).toMatchObject({ ok: false, reason: expect.stringContaining(words) });
  });

  it('is none where somebody else signed it, or it was signed as something else', async () => {
    expect(reading(await passed(verdict, keys.approval))).toMatchObject({ reason: expect.stringContaining("approval's") });
    expect(reading(await built(verdict))).toMatchObject({ reason: expect.stringContaining('payload type') });
  });
});

describe('the proof that a release was let in', () => {
  it('is none where what stands in it is not a grant', async () => {
    const envelope = await seal(keys.approval.signer, payloadTypes.grant, '{"grant":');
    expect(proveGrant(trusting(), envelope)).toMatchObject({ ok: false });
  });
});
