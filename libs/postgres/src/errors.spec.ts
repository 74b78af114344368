import { describe, expect, it } from 'vitest';
import { CommitUnknown, identifier, isRetryable, isTransient, schemaOf } from './index.js';
import { scramVerifier } from './scram.js';

const pg = (code: string) => Object.assign(new Error(code), { code });

describe('what passes by itself', () => {
  it.each(['40001', '40P01', '53300', '53100', '57P01', '57P03', '08006', '55P03', '57014', 'ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN'])(
    'is %s',
    (code) => {
      expect(isTransient(pg(code))).toBe(true);
      expect(isTransient(Object.assign(new Error('wrapped'), { driverError: pg(code) }))).toBe(true);
    },
  );

  it.each(['42601', '42501', '23505', '22P02', '28P01', '3D000'])('is not %s', (code) => {
    expect(isTransient(pg(code))).toBe(false);
  });

  it('is not a bug of ours, nor what is no error at all', () => {
    expect([new TypeError('x is undefined'), 'text', undefined, null].map(isTransient)).toEqual([false, false, false, false]);
  });

  it('is an unknown COMMIT, but that is never repeated blindly', () => {
    const unknown = new CommitUnknown(pg('40001'));
    expect([isTransient(unknown), isRetryable(unknown)]).toEqual([true, false]);
  });
});

describe('names', () => {
  it('of schemas follow the service', () => {
    expect(schemaOf('production-rollout')).toBe('slipway_production_rollout');
  });

  it.each(['a b', 'a"b', 'A', '1a', '', 'a'.repeat(64), "a';--"])('refuse %j, for they go into SQL as they are', (name) => {
    expect(() => identifier(name)).toThrow('lower case');
  });
});

describe('a SCRAM verifier', () => {
  it('is the one of RFC 7677’s example', () => {
    const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});
