import { type AuditLink, auditGenesis } from '@slipway/contracts';
import { anId } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { misfitOf } from './audit-fit.js';

const link: AuditLink = {
  chain: 'shop',
  sequence: 2,
  at: '2026-11-23T05:00:00Z',
  event: anId(),
  entry: {},
  previous: 'a'.repeat(64),
  hash: 'b'.repeat(64),
};

describe('a link of an audit chain', () => {
  it('fits what stands before it and what it was the first time', () => {
    expect(misfitOf(link, link.hash, { same: undefined, before: link.previous })).toBeUndefined();
    expect(misfitOf(link, link.hash, { same: link.hash, before: undefined })).toBeUndefined();
  });

  it.each([
    ['was changed', 'c'.repeat(64), { same: undefined, before: link.previous }, /not that of what it says/],
    ['takes the place of another', link.hash, { same: 'd'.repeat(64), before: link.previous }, /stood in its place/],
    ['follows something else', link.hash, { same: undefined, before: auditGenesis }, /does not follow/],
  ])('does not fit where it %s', (_, hash, beside, says) => {
    expect(misfitOf(link, hash, beside)).toMatch(says);
  });
});
