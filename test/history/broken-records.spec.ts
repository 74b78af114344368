import { AuditLinked, auditGenesis, CommitFolded, ImageRemoved } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { anId, aRevision } from '@slipway/testkit';
import type { TopicRecord } from './history.js';
import { imageOf } from './teller.js';
import { eachIsFound, onNoTopic, rows, without } from './ways-of-breaking.js';

eachIsFound({
  1: [
    {
      how: 'a commit that was pushed came to nothing',
      after: (history) => ({
        ...history,
        seen: [
          ...history.seen,
          { kind: 'push', project: 'shop', ref: 'refs/heads/main', revision: aRevision('lost'), asked: '', answered: '' },
        ],
      }),
      says: /has no outcome/,
    },
    {
      how: 'a delivery that was accepted is nowhere',
      after: (history) => rows(history, 'source-watcher', 'delivery', () => []),
      says: /delivery-1 .* is in no table/,
    },
    {
      how: 'a delivery that was sent again was taken as another one',
      after: (history) => ({ ...history, seen: [...history.seen, ...history.seen.filter(({ kind }) => kind === 'delivery')] }),
      says: /delivery-1 of shop was taken as new 2 times/,
    },
    {
      how: 'a sign-off that was answered with a yes was never said',
      after: (history) => ({
        ...history,
        seen: history.seen.map((seen) =>
          seen.kind === 'sign-off' ? { ...seen, answer: JSON.stringify({ posted: anId(), state: 'accepted' }) } : seen,
        ),
      }),
      says: /the sign-off \S+ of Otto Operator was answered with 200 \(accepted\) and was never said/,
    },
    {
      how: 'a sign-off that was said to be accepted was not',
      twist: { data: { 'sign-off.accepted 2': () => undefined } },
      release: 'two',
      says: /and nobody accepted it/,
    },
    {
      how: 'a command that was answered with a yes was never said',
      after: (history) => ({
        ...history,
        seen: history.seen.map((seen) =>
          seen.kind === 'command' ? { ...seen, answer: JSON.stringify({ command: anId(), state: 'pending' }) } : seen,
        ),
      }),
      says: /the command \S+ of Otto Operator was answered with 200 \(pending\) and was never said/,
    },
    {
      how: 'a command that was taken is answered by nobody',
      twist: { data: { 'command.accepted': () => undefined } },
      after: (history) => ({
        ...history,
        seen: history.seen.map((seen) =>
          seen.kind === 'command' ? { ...seen, answer: seen.answer.replace('accepted', 'pending') } : seen,
        ),
      }),
      says: /and nobody ever answered it/,
    },
    {
      how: 'a number was given out twice',
      twist: {
        data: { 'commit.detected 2': (data) => ({ ...data, release: { ...data.release, number: 1 } }) },
      },
      says: /release 1 was born 2 times/,
    },
    {
      how: 'a revision became a release and was folded into one',
      twist: {
        more: ({ two, line }, scribe) => {
          const { at } = line('commit.detected 2');
          scribe.say({
            key: 'folded',
            writer: 'source-watcher',
            event: CommitFolded,
            subject: two.id,
            at: at + 100,
            data: { project: 'shop', ref: two.ref, revision: two.revision, into: two },
          });
        },
      },
      release: 'two',
      says: /has 2 outcomes/,
    },
    {
      how: 'nobody works on a deployment any more',
      after: (history, { two }) =>
        rows(history, 'test-deployer', 'deployment', (all) =>
          all.map((row) => (row['release'] === two.id ? { ...row, state: 'deploying' } : row)),
        ),
      release: 'two',
      says: /is deploying in test and nobody works on it/,
    },
    {
      how: 'a release that was let in is rolled out by nobody',
      twist: {
        back: 'never',
        data: {
          'rollout.started 2': () => undefined,
          'rollout.ended 2': () => undefined,
        },
        made: (made) => made.filter(({ key }) => !key.startsWith('production 2')),
      },
      after: (history, { two }) => {
        const used = rows(history, 'approval', 'request', (all) =>
          all.map((row) => (row['release'] === two.id ? { ...row, grant_used: false } : row)),
        );
        return rows(used, 'production-rollout', 'rollout', (all) => all.filter((row) => row['release'] !== two.id));
      },
      release: 'two',
      says: /was let into production and no rollout waits for it/,
    },
    {
      how: 'a release that was good in test is asked for nowhere',
      after: (history, { two }) => rows(history, 'approval', 'request', (all) => all.filter((row) => row['release'] !== two.id)),
      twist: { back: 'never', data: { 'rollout.ended 2': () => undefined } },
      release: 'two',
      says: /nobody was asked for production/,
    },
  ],
  6: [
    {
      how: 'an event was never published',
      after: (history) =>
        rows(history, 'approval', 'outbox', (all) => all.map((row, at) => (at === 0 ? { ...row, published_at: null } : row))),
      says: /approval: 1 events were never said/,
    },
    {
      how: 'an event is answered by nobody',
      after: (history) => rows(history, 'approval', 'handoff', () => [{ event_id: 'e', service: 'production-rollout' }]),
      says: /answered by nobody/,
    },
    {
      how: 'a dead worker holds a lease',
      after: (history) =>
        rows(history, 'image-builder', 'operation', () => [
          { kind: 'build', key: 'r/1', state: 'running', due_at: history.about.from, epoch: 1 },
        ]),
      says: /leases ran out/,
    },
    {
      how: 'an instance that was to go is still there',
      after: ({ docker, ...history }) => {
        const gone = { there: true, name: 'slipway.default.shop.test.1.0badcafe.leaving.0123456789ab' };
        return { ...history, docker: { ...docker, containers: docker.containers.map((each, at) => ({ ...each, ...(at === 0 && gone) })) } };
      },
      says: /the target: 1 instances on their way out are still there/,
    },
    {
      how: 'an operation was given up',
      after: (history) =>
        rows(history, 'test-deployer', 'operation', (all) => all.map((row, at) => (at === 0 ? { ...row, state: 'exhausted' } : row))),
      says: /test-deployer: 1 operations were given up/,
    },
    {
      how: 'an operation is in work',
      after: (history) =>
        rows(history, 'test-deployer', 'operation', (all) =>
          all.map((row, at) => (at === 0 ? { ...row, state: 'ready', due_at: history.about.until } : row)),
        ),
      says: /test-deployer: 1 operations are in work/,
    },
    {
      how: 'an event of ours was laid aside',
      after: (history) =>
        rows(history, 'approval', 'dead_letter', () => [
          { event_id: 'e', source: 'gateway', reason: 'handler-failed', detail: 'TypeError', resolved_at: null },
        ]),
      says: /approval: 1 events of ours were laid aside/,
    },
    {
      how: 'an event of ours is put off for ever',
      after: (history) =>
        rows(history, 'approval', 'parked', () => [
          { event_id: 'e', source: 'gateway', reason: 'not-yet', detail: 'nobody knows shop' },
          { event_id: 'f', source: 'outside:somebody', reason: 'not-yet', detail: 'nobody knows shop' },
        ]),
      says: /approval: 1 events of ours are put off/,
    },
    {
      how: 'a service that has committed nothing has not read everything',
      after: (history) => ({
        ...rows(history, 'approval', 'stored_offset', (all) => all.map((row) => ({ ...row, next: 0 }))),
        places: history.places.map((place) => (place.service === 'approval' ? { ...place, committed: -1 } : place)),
      }),
      says: /approval: \d+ records of rollouts\[0\] are unread/,
    },
    {
      how: 'a service has not read everything',
      after: (history) => ({
        ...history,
        places: history.places.map((place, at) => (at === 3 ? { ...place, committed: place.end - 1 } : place)),
      }),
      says: /are unread/,
    },
  ],
  8: [
    {
      how: 'somebody rewrote an entry',
      after: (history) =>
        rows(history, 'approval', 'audit_entry', (all) =>
          all.map((row) => (row['chain'] === 'shop' && row['sequence'] === 5 ? { ...row, entry: { event: 'nothing' } } : row)),
        ),
      says: /link shop 5 in approval's table is not what was said/,
    },
    {
      how: 'an entry was never said, while others are still being said',
      after: (history) => {
        const [record] = history.records;
        const unsaid = { event_id: anId(), published_at: null, headers: record?.headers, value_base64: record?.value?.toString('base64') };
        const saying = rows(history, 'approval', 'outbox', (all) => [...all, unsaid]);
        return rows(saying, 'approval', 'audit_entry', (all) => [...all, { ...all.at(-1), sequence: 1000 }]);
      },
      also: [6],
      says: /link \S+ 1000 is in approval's table and was never said/,
    },
    {
      how: 'somebody cut the end off',
      after: (history) => rows(history, 'gateway', 'audit_link', (all) => all.slice(0, -1)),
      says: /was said and the gateway does not have it/,
    },
    {
      how: 'an entry that was said is not in the table',
      after: (history) =>
        rows(history, 'approval', 'audit_entry', (all) => all.filter((row) => row['chain'] !== 'shop' || row['sequence'] !== 5)),
      says: /link shop 5 was said and is not in approval's table/,
    },
    {
      how: 'the head stands at an older link',
      after: (history) =>
        rows(history, 'approval', 'audit_head', (all) => all.map((row) => (row['chain'] === 'shop' ? { ...row, sequence: 3 } : row))),
      says: /chain shop: approval's head is link 3, and \d+ were said/,
    },
    {
      how: 'the gateway was said a link that does not fit',
      after: (history) => rows(history, 'gateway', 'audit_conflict', () => [{ chain: 'shop', sequence: 5, reason: 'another hash' }]),
      says: /chain shop: the gateway saw that link 5 does not fit: another hash/,
    },
    {
      how: 'the gateway keeps another entry',
      after: (history) =>
        rows(history, 'gateway', 'audit_link', (all) =>
          all.map((row, at) => (at === 0 ? { ...row, link: { ...(row['link'] as object), entry: { event: 'nothing' } } } : row)),
        ),
      says: /link \S+ 1 of the gateway is not what was said/,
    },
    {
      how: 'the head that was said is of another link',
      twist: {
        more: async (good, scribe) => {
          const at = good.line('commit.detected 2').at + 100;
          const time = new Date(at).toISOString();
          const link = { chain: 'cellar', sequence: 1, at: time, event: anId(), entry: { event: 'something' }, previous: auditGenesis };
          const hash = digestOf(link);
          const head = await scribe.seal('approval', 'audit-head', { chain: 'cellar', sequence: 2, hash, at: time });
          const data = { chain: 'cellar', links: [{ ...link, hash }], head };
          scribe.say({ key: 'audit.linked cellar', writer: 'approval', event: AuditLinked, subject: 'cellar', at, data });
        },
      },
      says: /the signed head is of link 2 of cellar, not of link 1/,
    },
    {
      how: 'the head is signed by somebody else',
      after: (history) =>
        rows(history, 'approval', 'audit_head', (all) =>
          all.map((row) => ({ ...row, envelope: { ...(row['envelope'] as object), signatures: [{ keyid: 'k', sig: 's' }] } })),
        ),
      says: /head is not signed/,
    },
    {
      how: 'a decision is in no chain',
      twist: { unlinked: 'sign-off.accepted 2' },
      release: 'two',
      says: /has no link in any chain/,
    },
  ],
  10: [
    {
      how: 'an event is missing',
      after: (history, good) => without(history, good.line('build.started 2').id),
      release: 'two',
      says: /image-builder of \S+: #1 is missing/,
    },
    {
      how: 'an event that was published lies on no topic',
      after: (history, good) => onNoTopic(history, good.line('rollout.ended back noted').id),
      says: /event\.noted of approval was said, and neither a topic nor the journal has it/,
    },
    {
      how: 'an event says two things',
      twist: {
        more: (good, scribe) => {
          const { at, data } = good.line('build.started 2');
          scribe.say({ ...good.line('build.started 2'), at: at + 100, data: { ...(data as object), attempt: 2 } });
        },
      },
      release: 'two',
      says: /says two things/,
    },
    {
      how: 'events of one writer and subject were said out of order',
      after: (history, good) => {
        const [one, other] = ['build.started 2', 'image.built 2'].map((key) => good.line(key).id);
        const at = (id: string | undefined) => history.records.find(({ headers }) => headers['ce_id'] === id)?.offset ?? 0;
        const swapped = (record: TopicRecord) =>
          record.headers['ce_id'] === one
            ? { ...record, offset: at(other) }
            : record.headers['ce_id'] === other
              ? { ...record, offset: at(one) }
              : record;
        return { ...history, records: history.records.map(swapped) };
      },
      release: 'two',
      says: /image-builder of \S+: said out of order in builds\[0\]/,
    },
    {
      how: 'the journal lacks one',
      after: (history, good) =>
        rows(history, 'gateway', 'journal', (all) => all.filter((row) => row['event_id'] !== good.line('rollout.ended 2').id)),
      release: 'two',
      says: /rollout\.succeeded of production-rollout is not in the journal/,
    },
    {
      how: 'the journal has one with other bytes',
      after: (history, good) =>
        rows(history, 'gateway', 'journal', (all) =>
          all.map((row) => (row['event_id'] === good.line('rollout.ended 2').id ? { ...row, value_sha256: 'other' } : row)),
        ),
      release: 'two',
      says: /with other bytes/,
    },
    {
      how: 'the journal has one twice',
      after: (history, good) =>
        rows(history, 'gateway', 'journal', (all) =>
          all.flatMap((row) => (row['event_id'] === good.line('rollout.ended 2').id ? [row, row] : [row])),
        ),
      release: 'two',
      says: /rollout\.succeeded of production-rollout is in the journal 2 times/,
    },
    {
      how: 'the journal has one that nobody said',
      after: (history, { two }) =>
        rows(history, 'gateway', 'journal', (all) => [
          ...all,
          { event_id: anId(), source: 'approval', name: 'approval.granted', release: two.id, headers: {} },
        ]),
      release: 'two',
      says: /the journal has approval\.granted of approval, which nobody ever said/,
    },
    {
      how: 'the timeline has one that nobody said of it',
      after: (history, { two }) => rows(history, 'gateway', 'release_event', (all) => [...all, { release: two.id, event_id: anId() }]),
      release: 'two',
      says: /its timeline has event \S+, which nobody said of it/,
    },
    {
      how: 'the timeline lacks what was said of several releases at once',
      twist: {
        more: ({ one, two, line }, scribe) => {
          const data = {
            project: 'shop',
            image: imageOf(1),
            releases: [one, two].map(({ id, number }) => ({ id, number })),
            refused: null,
          };
          const { at } = line('rollout.ended back');
          scribe.say({ key: 'removed', writer: 'image-builder', event: ImageRemoved, subject: 'shop', at: at + 100, data });
        },
      },
      after: (history, { two, line }) =>
        rows(history, 'gateway', 'release_event', (all) =>
          all.filter((row) => row['release'] !== two.id || row['event_id'] !== line('removed').id),
        ),
      release: 'two',
      says: /its timeline lacks image\.removed/,
    },
    {
      how: 'the ledger lacks a release',
      after: (history, { two }) => rows(history, 'gateway', 'release', (all) => all.filter((row) => row['id'] !== two.id)),
      release: 'two',
      says: /it is not in the ledger/,
    },
    {
      how: 'the timeline lacks one',
      after: (history, good) =>
        rows(history, 'gateway', 'release_event', (all) => all.filter((row) => row['event_id'] !== good.line('rollout.ended 2').id)),
      release: 'two',
      says: /its timeline lacks rollout\.succeeded/,
    },
  ],
});
