import { ApprovalPolicy, type Person, type Role } from '@slipway/contracts';
import type { ApprovalRequest, SignOff } from './approval-request.js';

const sha = (letter: string) => letter.repeat(64);
const id = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A person with these roles in every project; the same number is the same person. */
export function somebody(n: number, ...roles: Role[]): Person {
  return {
    id: id(n),
    name: `Person ${n}`,
    emails: [`p${n}@example.org`],
    accounts: [],
    roles: roles.map((role) => ({ role, project: '*' })),
    keys: [],
    language: 'en',
    active: true,
  };
}

/** An open request of release 7 of shop for production, asking for one tester and one operator unless said otherwise. */
export function aRequest(over: Partial<Extract<ApprovalRequest, { state: 'open' }>> = {}): Extract<ApprovalRequest, { state: 'open' }> {
  const release = {
    id: id(700),
    project: 'shop',
    number: 7,
    kind: 'commit' as const,
    ref: 'refs/heads/main',
    line: 'refs/heads/main',
    revision: 'abc',
    ancestorOf: [],
    committedAt: '2026-11-23T04:00:00.000Z',
  };
  return {
    state: 'open',
    id: id(900),
    release,
    environment: 'production',
    deployment: {
      project: 'shop',
      environment: 'production',
      stage: 'production',
      projectVersion: 1,
      release: { id: release.id, number: 7, ref: release.ref, line: release.line, revision: release.revision },
      image: { repository: 'localhost:5000/shop', digest: `sha256:${sha('a')}` },
      app: {
        port: 8080,
        instances: 2,
        cpus: 0.5,
        memory: '64Mi',
        env: {},
        secrets: [],
        drain: '10s',
        stable: '5s',
        health: { http: '/', every: '2s', timeout: '1s', grace: '30s' },
      },
      target: { name: 'lab', version: 1, namespace: 'default', port: null },
      policy: null,
      strategy: { rolling: { surge: 1 } },
      deadline: '600s',
      onFailure: 'rollback',
    },
    asks: sha('b'),
    policy: ApprovalPolicy.parse({ require: [{ role: 'tester' }, { role: 'operator' }] }),
    involved: [],
    unmatched: [],
    authors: [],
    openedAt: '2026-11-23T05:00:00.000Z',
    soakUntil: null,
    expiresAt: '2026-11-30T05:00:00.000Z',
    provenance: { payloadType: 'application/vnd.in-toto+json', payload: '', signatures: [{ keyid: 'k', sig: 's' }] },
    verdict: {
      envelope: { payloadType: 'application/vnd.slipway.verdict+json;version=1', payload: '', signatures: [{ keyid: 'k', sig: 's' }] },
      heardAt: '2026-11-23T05:00:00.000Z',
    },
    through: 'test',
    previous: null,
    signOffs: [],
    ...over,
  };
}

/** A yes of that person, unless said otherwise. */
export function aSignOff(by: Person, over: Partial<SignOff> = {}): SignOff {
  return {
    person: { id: by.id, name: by.name },
    decision: 'approve',
    comment: '',
    via: 'http',
    event: id(1),
    at: '2026-11-23T05:10:00.000Z',
    ...over,
  };
}
