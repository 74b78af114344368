import { ApprovalVoided, ReleaseWithdrawn, RolloutStarted, RolloutSucceeded } from '@slipway/contracts';
import { aDigest, anId } from '@slipway/testkit';
import type { Made } from './docker-of.js';
import { versionsOf } from './made-otherwise.js';
import { host } from './teller.js';
import { beside, eachIsFound, madeAs, otherwise, type Way } from './ways-of-breaking.js';

const key = 'production 2 2';
const secretsAs = (version: string, target: string) => {
  const source = `/data/targets/${target}/environments/e/secrets/${versionsOf([{ name: 'db-password', version }])}`;
  return { source, target: '/run/secrets', readOnly: true };
};

/** How one instance is made otherwise than was let in, and what is said of it. */
const madeOtherwise: readonly [how: string, change: (made: readonly Made[]) => Partial<Made>, says: RegExp, also?: readonly number[]][] = [
  ['from another repository', (made) => ({ from: `elsewhere.example/shop@${madeAs(made, key).image.digest}` }), /from elsewhere/],
  ['of another image', (made) => ({ image: { ...madeAs(made, key).image, digest: aDigest('another') } }), /from \S+@sha256:\w+, and/, [5]],
  ['in another namespace', () => ({ labels: { namespace: 'other' } }), /in namespace other, and default/],
  ['at another port', () => ({ labels: { 'app-port': '9090' } }), /at port 9090, and 8080/],
  ['by another configuration', () => ({ labels: { config: 'other' } }), /with another configuration than/],
  ['with more memory', () => ({ host: { memoryBytes: 2 ** 30 } }), /with 1073741824 bytes of memory, and 256Mi were let in/],
  ['with more processors', () => ({ host: { nanoCpus: 4e9 } }), /with 4 processors, and 0.5 were let in/],
  [
    'with a folder of its host',
    () => ({ host: { mounts: [...host.mounts, { source: '/', target: '/host', readOnly: true }] } }),
    /with folders .* \/ at \/host, and/,
  ],
  ['without its secrets', () => ({ host: { mounts: [] } }), /with folders none, and secrets at lab were let in as db-password v1/],
  ['with another version of its secrets', () => ({ host: { mounts: [secretsAs('v2', 'lab')] } }), /db-password v1/],
  ['at another target', () => ({ host: { mounts: [secretsAs('v1', 'cellar')] } }), /targets\/cellar\/.* secrets at lab/],
];

eachIsFound({
  2: [
    {
      how: 'Docker was asked for an instance that no intent was written for',
      twist: {
        made: (made) => [
          ...made,
          { ...madeAs(made, 'production back 1'), at: madeAs(made, 'production back 1').at + 90_000, attempt: 9, key: 'forged' },
        ],
      },
      release: 'one',
      says: /no intent by a grant/,
    },
    {
      how: 'it began after its grant was voided',
      twist: {
        more: ({ two, requests }, scribe) => {
          const granted = scribe.lines.find(({ key }) => key === 'approval.granted 2');
          const data = {
            request: requests['2'],
            release: two,
            environment: 'production',
            reason: { code: 'changed', message: 'the policy changed' },
            changed: ['policy'],
          };
          scribe.say({ key: 'voided', writer: 'approval', event: ApprovalVoided, subject: two.id, at: (granted?.at ?? 0) + 1000, data });
        },
      },
      release: 'two',
      says: /after its grant had ended/,
    },
    {
      how: 'its sign-off proves nobody',
      twist: { signOffsBy: 'approval' },
      release: 'two',
      says: /proves nobody/,
    },
    {
      how: 'its sign-off was for another request',
      twist: { sealed: { 'sign-off 2': (claims) => ({ ...claims, request: anId() }) } },
      release: 'two',
      says: /is for another request/,
    },
    {
      how: 'its grant had expired',
      twist: { sealed: { 'grant 2': (statement) => ({ ...statement, notAfter: statement.issuedAt }) } },
      release: 'two',
      says: /after its grant had expired/,
    },
    {
      how: 'it runs with other settings than were signed for',
      twist: { made: (made) => otherwise(made, 'production 2 1', { env: { GREETING: 'goodbye' } }) },
      release: 'two',
      says: /variables GREETING that are not those let in/,
    },
    {
      how: 'nobody asked for the rollback',
      twist: { data: { 'command.issued': () => undefined } },
      release: 'one',
      says: /was asked for by nobody/,
    },
    {
      how: 'one sign-off let two rollouts in',
      twist: {
        back: 'never',
        more: (good, scribe) => {
          const rollout = anId();
          for (const [key, event] of [
            ['rollout.started 2', RolloutStarted],
            ['rollout.ended 2', RolloutSucceeded],
          ] as const) {
            const there = good.line(key);
            beside(good, scribe, key, {
              event,
              at: there.at + 10_000,
              data: { ...(there.data as object), rollout, ...(event === RolloutStarted && { attempt: 3 }) },
            });
          }
        },
      },
      release: 'two',
      says: /let in 2 rollouts/,
    },
    {
      how: 'its sign-off was a no',
      twist: { sealed: { 'sign-off 2': (claims) => ({ ...claims, decision: 'reject' }) } },
      release: 'two',
      says: /counts sign-off \S+ as a yes of \S+, which it is not/,
    },
    {
      how: 'its intent names a grant that nobody signed',
      twist: { back: 'never', data: { 'rollout.started 2': (data) => ({ ...data, grant: anId() }) } },
      release: 'two',
      says: /names grant \S+, which approval never signed/,
    },
    {
      how: 'it began before its grant was issued',
      twist: {
        sealed: {
          'grant 2': (statement) => ({ ...statement, issuedAt: new Date(Date.parse(statement.issuedAt) + 600_000).toISOString() }),
        },
      },
      release: 'two',
      says: /began before its grant was issued/,
    },
    {
      how: 'it was let in by another policy than the project file has',
      twist: {
        data: {
          'project.applied': (data) => {
            const file = structuredClone(data.file);
            file.spec.environments[1].approval.require[0].count = 2;
            return { ...data, file };
          },
        },
      },
      release: 'two',
      says: /by another policy than the project file has/,
    },
    {
      how: 'who signed has not the role that is asked for',
      twist: { policy: { require: [{ role: 'tester', count: 1 }] } },
      release: 'two',
      says: /was given though tester is missing/,
    },
    {
      how: 'who signed did not use the key that the policy asks for',
      twist: { policy: { proof: 'key' } },
      release: 'two',
      says: /is not by a registered key/,
    },
    {
      how: 'it began after the release was withdrawn',
      twist: {
        back: 'never',
        more: ({ two, otto, line }, scribe) => {
          const data = { release: two, by: { id: otto, name: 'Otto Operator' }, reason: 'it burns' };
          const { at } = line('approval.granted 2');
          scribe.say({ key: 'withdrawn', writer: 'approval', event: ReleaseWithdrawn, subject: two.id, at: at + 1000, data });
        },
      },
      release: 'two',
      says: /began after the release was withdrawn/,
    },
    {
      how: 'a rollback cites a grant by which nothing ever ran well',
      twist: { data: { 'rollout.ended 1': () => undefined } },
      release: 'one',
      says: /cites a grant by which nothing ever ran well here/,
    },
    {
      how: 'the rollback was asked for by somebody who may not',
      twist: { data: { 'command.issued': (data) => ({ ...data, role: 'developer' }) } },
      release: 'one',
      says: /was asked for by Otto Operator as developer, which they were not, or may not/,
    },
    ...madeOtherwise.map(
      ([how, change, says, also = []]): Way => ({
        how: `an instance was made ${how}`,
        twist: { made: (made) => otherwise(made, key, change(made)) },
        also,
        release: 'two',
        says,
      }),
    ),
  ],
});
