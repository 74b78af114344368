import { aPerson } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { authorsToTell, peopleToTell } from './audience.js';

describe('who is told', () => {
  const zoe = aPerson({ name: 'Zoe', emails: ['zoe@shop.example', 'zoe@home.example'], language: 'zh' });

  it('is the person an author is, in their language', () => {
    expect(authorsToTell([{ name: 'z', email: 'ZOE@home.example', account: null }], [zoe])).toEqual([
      { address: 'zoe@shop.example', language: 'zh' },
    ]);
  });

  it('is an author nobody knows by the address in the commit, and nobody twice', () => {
    const stranger = { name: 's', email: 'sam@else.example', account: null };
    expect(authorsToTell([stranger, stranger], [zoe])).toEqual([{ address: 'sam@else.example', language: 'en' }]);
  });

  it('is nobody by an address that is none, or that nobody reads', () => {
    const authors = ['x', 'a@b, c@d', '1+ann@users.noreply.github.com', 'no-reply@shop.example'].map((email) => ({
      name: 'n',
      email,
      account: null,
    }));
    expect(authorsToTell(authors, [])).toEqual([]);
  });

  it('leaves out people who left', () => {
    expect(peopleToTell([zoe.id], [{ ...zoe, active: false }])).toEqual([]);
  });
});
