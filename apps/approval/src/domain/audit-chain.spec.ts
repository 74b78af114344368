import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashOf, linkAll, portionsOf } from './audit-chain.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const entries = ['a', 'b', 'c'].map((event) => ({ chain: 'shop', at: '2026-11-23T05:00:00.000Z', event, entry: { event } }));

describe('an audit chain', () => {
  it('counts from one and hangs each link on the one before', () => {
    const links = linkAll(entries, undefined, sha256);
    expect(links.map((link) => link.sequence)).toEqual([1, 2, 3]);
    expect(links[1]?.previous).toBe(links[0]?.hash);
    for (const link of links) expect(hashOf(link, sha256)).toBe(link.hash);
  });

  it('goes on where it stopped', () => {
    const [first, ...rest] = entries;
    const start = linkAll(first ? [first] : [], undefined, sha256);
    expect([...start, ...linkAll(rest, start[0], sha256)]).toEqual(linkAll(entries, undefined, sha256));
  });

  it('shows a changed entry', () => {
    const [link] = linkAll(entries, undefined, sha256);
    expect(link && hashOf({ ...link, entry: { event: 'x' } }, sha256)).not.toBe(link?.hash);
  });

  it('is said in portions an event has room for, every link once and in order', () => {
    const large = ['x'.repeat(600_000), ...Array.from({ length: 25 }, (_, at) => 'y'.repeat(at * 8000)), 'z'.repeat(260_000)];
    const links = linkAll(
      large.map((text, at) => ({ chain: 'shop', at: '2026-11-23T05:00:00.000Z', event: String(at), entry: { text } })),
      undefined,
      sha256,
    );
    const portions = portionsOf(links);
    expect(portions.flat()).toEqual(links);
    for (const portion of portions) {
      expect(portion.length).toBeLessThanOrEqual(10);
      if (portion.length > 1) expect(JSON.stringify(portion).length).toBeLessThan(260_000);
    }
  });
});
