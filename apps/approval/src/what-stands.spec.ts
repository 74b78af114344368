import type { Reason } from '@slipway/contracts';
import { NotYet, type UnitOfWork } from '@slipway/messaging';
import { aDigest, anId, aPerson } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Asking } from './asking.js';
import { aRequest } from './domain/approval-request.example.js';
import type { Input } from './domain/approval-request.js';
import { Duties } from './duties.js';
import type { Knowledge, KnownRelease, Requests } from './ports.js';
import type { Settling } from './settling.js';
import { WhatStands } from './what-stands.js';

const ann = aPerson({ name: 'Ann', emails: ['ann@shop.example'] });
const releases = [1, 2, 3, 4, 5].map((number) => ({ ...aRequest().release, id: anId(), number, revision: `r${number}` }));
const [first, second, ...asked] = releases as [(typeof releases)[0], (typeof releases)[0], ...typeof releases];
const known = releases.map((release): KnownRelease => {
  const about = { pusher: null, triggerPerson: null, from: release.number === 1 ? null : `r${release.number - 1}` };
  return {
    release,
    people: [{ name: 'Ann', email: 'ann@shop.example', account: null }],
    commits: [],
    commitTotal: 1,
    withdrawn: false,
    ...about,
  };
});

/** The first release runs again instead of the second, and three that are asked for over the second hold Ann's change then. */
async function goesBack(unasked: Reason | null) {
  const read: string[] = [];
  const inputs: Input[] = [];
  const knowledge: Partial<Knowledge> = {
    alone: async () => undefined,
    running: async () => second,
    keepStanding: async () => true,
    release: async (_, id) => known.find(({ release }) => release.id === id),
    releasesOf: async (_, __, numbers) => known.filter(({ release }) => numbers.includes(release.number)),
    linksUpTo: async () => {
      read.push('links');
      return known.map(({ release: { number, line, revision }, from }) => ({ number, line, revision, from, merged: [] }));
    },
    everybody: async () => {
      read.push('people');
      return [ann];
    },
  };
  const requests: Partial<Requests> = { undecided: async () => asked.map((release) => aRequest({ id: anId(), release })) };
  const settling: Pick<Settling, 'settle'> = {
    settle: async (_, __, input) => {
      inputs.push(input);
      return { unchanged: true };
    },
  };
  const asking: Pick<Asking, 'ask'> = { ask: async () => unasked };
  const duties = new Duties(knowledge as Knowledge);
  const stands = new WhatStands(knowledge as Knowledge, requests as Requests, duties, settling as Settling, asking as Asking);
  const image = { repository: 'localhost:5000/shop', digest: aDigest('a') };
  await stands.keep({} as UnitOfWork, { project: 'shop', environment: 'production' }, { release: first, image, address: '' }, new Date());
  return { read, inputs };
}

describe('what runs somewhere', () => {
  it('is counted from for all that is asked there, with what that takes read once', async () => {
    const { read, inputs } = await goesBack(null);
    expect(inputs.map((input) => input.kind === 'voided' && input.reason.code)).toEqual(['changed', 'changed', 'changed']);
    expect(read).toEqual(['links', 'people']);
  });

  it('is heard again later where what it made void cannot be asked anew yet', async () => {
    await expect(goesBack({ code: 'not-heard', message: 'it is on its way' })).rejects.toThrow(NotYet);
    await expect(goesBack({ code: 'target-unknown', message: 'no target is called far' })).resolves.toMatchObject({ inputs: [{}, {}, {}] });
  });
});
