import { PersonChanged } from '@slipway/contracts';
import { aPerson, aRevision } from '@slipway/testkit';
import { eachIsFound } from './ways-of-breaking.js';

eachIsFound({
  11: [
    {
      how: 'who signed had written a commit of it',
      twist: { commit: { 2: (commit) => ({ ...commit, author: { name: 'Otto', email: 'OTTO@shop.example' } }) } },
      release: 'two',
      says: /Otto Operator counted for the sign-off of release 2 into production, and wrote/,
    },
    {
      how: 'who signed had helped',
      twist: { commit: { 2: (commit) => ({ ...commit, message: 'Change\n\nCo-authored-by: O. <otto@shop.example>' }) } },
      release: 'two',
      says: /wrote a part of/,
    },
    {
      how: 'who signed had triggered it',
      twist: {
        data: {
          'commit.detected 2': (data) => ({ ...data, trigger: { kind: 'command', person: null } }),
        },
        more: (good) => {
          const { data } = good.line('commit.detected 2') as { data: { trigger: object } };
          Object.assign(data.trigger, { person: { id: good.otto, name: 'Otto Operator' } });
        },
      },
      release: 'two',
      says: /triggered release 2/,
    },
    {
      how: 'who signed had written it by a second account',
      twist: {
        commit: { 2: (commit) => ({ ...commit, author: { name: 'O.', email: 'o@elsewhere.example' } }) },
        more: ({ line }, scribe) => {
          const person = aPerson({ name: 'Otto Again', emails: ['o@elsewhere.example', 'otto@shop.example'] });
          const { at } = line('person.changed Otto Operator');
          const data = { person, version: 1, by: null };
          scribe.say({ key: 'person.changed again', writer: 'gateway', event: PersonChanged, subject: person.id, at: at + 10, data });
        },
      },
      release: 'two',
      says: /Otto Operator counted for the sign-off of release 2 into production, and wrote/,
    },
    {
      how: 'who signed had written a commit before the last one of it',
      after: (history) => ({
        ...history,
        repositories: history.repositories.map((each) => ({
          ...each,
          commits: each.commits.flatMap((commit) => {
            if (commit.revision !== aRevision('2')) return [commit];
            const otto = { name: 'Otto', email: 'otto@shop.example' };
            const between = { ...commit, revision: aRevision('between'), author: otto, committer: otto };
            return [{ ...commit, parents: [between.revision] }, between];
          }),
        })),
      }),
      release: 'two',
      says: /Otto Operator counted for the sign-off of release 2/,
    },
    {
      how: 'who signed had written what was gone back from before it began, and came with it',
      twist: {
        third: true,
        commit: { 2: (commit) => ({ ...commit, author: { name: 'Otto', email: 'otto@shop.example' } }) },
      },
      release: 'three',
      says: /Otto Operator counted for the sign-off of release 3 into production, and wrote/,
    },
    {
      how: 'who signed had pushed it',
      twist: {
        data: { 'commit.detected 2': (data) => ({ ...data, pusher: { name: 'otto', email: 'otto@shop.example', account: null } }) },
      },
      release: 'two',
      says: /pushed release 2/,
    },
    {
      how: 'somebody nobody knows wrote it, and only one signed',
      twist: { commit: { 2: (commit) => ({ ...commit, author: { name: 'Zoe', email: 'zoe@elsewhere.example' } }) } },
      release: 'two',
      says: /1 people signed release 2 .* 1 more for those nobody knows/,
    },
  ],
});
