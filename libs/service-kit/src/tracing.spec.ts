import { describe, expect, it } from 'vitest';
import { correlate, currentTrace, nextSpan } from './tracing.js';

const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a trace', () => {
  it('goes on with a new span', () => {
    const next = nextSpan(given);
    expect(next).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(next).not.toBe(given);
  });

  it.each([
    undefined,
    '',
    'nonsense',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ])('begins anew where there is none or a bad one (%s)', (bad) => {
    expect(nextSpan(bad)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('is seen by everything that is done in it, and by nothing else', async () => {
    const inside = await correlate({ traceparent: given, correlationId: 'shop/42' }, async () => {
      await Promise.resolve();
      return currentTrace();
    });
    expect(inside).toMatchObject({ correlationId: 'shop/42' });
    expect(currentTrace()).toBeUndefined();
  });
});
