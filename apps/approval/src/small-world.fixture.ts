import type { DsseEnvelope, Person, Release } from '@slipway/contracts';
import { NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { type Claim, LostClaim } from '@slipway/operations';
import { aDigest, anId, aPerson, aProjectFile, aRelease, aRevision, aTargetFile } from '@slipway/testkit';
import type { ApprovalMetrics } from './approval.metrics.js';
import { Asking } from './asking.js';
import type { AuditWaking } from './audit-waking.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { Duties } from './duties.js';
import { type Known, MemoryKnowledge } from './memory-knowledge.fixture.js';
import { MemoryRequests } from './memory-requests.fixture.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnCommitDetected } from './on-commit-detected.js';
import { OnProjectApplied } from './on-project-applied.js';
import { OnRolloutFailed } from './on-rollout-failed.js';
import { OnRolloutRolledBack } from './on-rollout-rolled-back.js';
import { OnRolloutStarted } from './on-rollout-started.js';
import { OnRolloutSucceeded } from './on-rollout-succeeded.js';
import { OnSignOffPosted } from './on-sign-off-posted.js';
import { OnVerificationPassed } from './on-verification-passed.js';
import type { Proofs } from './proofs.js';
import { Reconsidering } from './reconsidering.js';
import type { Recording } from './recording.js';
import { RunRequestClock } from './run-request-clock.js';
import { Settling } from './settling.js';
import type { Telling } from './telling.js';
import { WhatStands } from './what-stands.js';

/** What is on its way to approval, in no order. Moments are when it happened. */
export type Said =
  | { readonly say: 'detected' | 'passed'; readonly release: number }
  | { readonly say: 'applied'; readonly version: number }
  | { readonly say: 'signed'; readonly by: string; readonly request: string; readonly asks: string }
  | { readonly say: 'started'; readonly release: number; readonly grant: string }
  | { readonly say: 'succeeded' | 'removed'; readonly release: number; readonly at: string }
  | { readonly say: 'went back'; readonly release: number; readonly from: number; readonly at: string }
  | { readonly say: 'asked anew' | 'withdrawn'; readonly release: number };

/** What approval keeps. */
export interface Tables {
  readonly known: Known;
  readonly requests: readonly ApprovalRequest[];
  readonly nonces: readonly string[];
  /** Clocks that were wound, `request/moment`, with the newest epoch given out; -1 once they were heard. */
  readonly clocks: Readonly<Record<string, number>>;
}

/** What a broken approval leaves out. */
export interface Rules {
  /** Requests are held against a project file that was applied. */
  readonly reconsiders: boolean;
  /** And against what runs. */
  readonly looksWhatStands: boolean;
  /** A sign-off is for the request it was posted for. */
  readonly ofOneRequest: boolean;
}

export const whole: Rules = { reconsiders: true, looksWhatStands: true, ofOneRequest: true };
export const begins = '2026-11-23T05:00:00.000Z';
const environment = 'production';
const envelope = { payloadType: 'x', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] } as DsseEnvelope;
const image = { repository: 'localhost:5000/shop', digest: aDigest('shop') };

/** Ann wrote release 1, and is an operator as Otto is; Bob wrote the others. */
export const people: Readonly<Record<'Ann' | 'Otto' | 'Bob', Person>> = {
  Ann: aPerson({ name: 'Ann', roles: [{ role: 'operator', project: '*' }] }),
  Otto: aPerson({ name: 'Otto', roles: [{ role: 'operator', project: '*' }] }),
  Bob: aPerson({ name: 'Bob' }),
};
export const releases: readonly Release[] = [1, 2, 3].map((number) => aRelease({ number, revision: aRevision(`${number}`) }));
const target = { name: 'lab', version: 1, file: aTargetFile() };

function fileOf(version: number) {
  const approval = { require: [{ role: 'operator' as const }], expires: '30m' };
  const asking = { name: environment, stage: 'production' as const, after: ['test'], target: 'lab', approval };
  const environments = [
    { name: 'test', stage: 'test' as const, target: 'lab' },
    { ...asking, app: { env: { VERSION: `${version}` } } },
  ];
  return { name: 'shop', version, file: aProjectFile({ spec: { environments } }) };
}
const files = [1, 2].map(fileOf);

export const empty: Tables = {
  known: { project: files[0] as (typeof files)[0], releases: [], passages: [], runs: null, since: begins, barred: [] },
  requests: [],
  nonces: [],
  clocks: {},
};

export function releaseOf(number: number): Release {
  return releases[number - 1] as Release;
}

export function authorOf(number: number): 'Ann' | 'Bob' {
  return number === 1 ? 'Ann' : 'Bob';
}

/** The real handlers and all that they decide by, for one transaction over these tables. */
export class Approval {
  private readonly knowledge: MemoryKnowledge;
  private readonly requests: MemoryRequests;
  private clocks: Readonly<Record<string, number>>;
  private readonly handlers: ReturnType<Approval['wired']>;

  constructor(
    tables: Tables,
    private readonly now: string,
    rules: Rules = whole,
  ) {
    this.knowledge = new MemoryKnowledge(tables.known, { target, people: Object.values(people) });
    this.requests = new MemoryRequests(tables.requests, tables.nonces);
    this.clocks = tables.clocks;
    const { undecided, find } = this.requests;
    if (!rules.reconsiders || !rules.looksWhatStands)
      this.requests.undecided = async (tx, where) =>
        ('environment' in where ? rules.looksWhatStands : rules.reconsiders) ? undecided.call(this.requests, tx, where) : [];
    if (!rules.ofOneRequest)
      this.requests.find = async (tx, id) => {
        const request = await find.call(this.requests, tx, id);
        return request && this.requests.latest(tx, request.release.id, request.environment);
      };
    this.handlers = this.wired();
  }

  tables(): Tables {
    return { known: this.knowledge.all(), requests: this.requests.all(), nonces: this.requests.nonces(), clocks: this.clocks };
  }

  /** False where it must be said again: of what it did until then nothing is kept, for whoever asks goes on with the tables of before. */
  async hear(said: Said): Promise<boolean> {
    try {
      await this.handle(said, this.unit());
      return true;
    } catch (error) {
      if (error instanceof NotYet) return false;
      throw error;
    }
  }

  /** A worker takes a clock; gives its epoch. */
  claim(clock: string): number {
    const epoch = (this.clocks[clock] ?? 0) + 1;
    this.clocks = { ...this.clocks, [clock]: epoch };
    return epoch;
  }

  /** A worker brings the time it has claimed. @throws LostClaim */
  async ring(clock: string, epoch: number): Promise<void> {
    const complete = async (fn: (unit: UnitOfWork) => Promise<unknown>) => {
      if (this.clocks[clock] !== epoch) throw new LostClaim('request-clock', clock, epoch);
      this.clocks = { ...this.clocks, [clock]: -1 };
      await fn(this.unit());
    };
    const claim = { operation: { input: { request: clock.split('/')[0] } }, complete } as unknown as Claim<{ request: string }>;
    await this.handlers.clock.run(claim);
  }

  private wired() {
    const [nothing, recording] = [async () => undefined, { keep: async () => undefined } as unknown as Recording];
    const telling = { say: nothing, requested: nothing } as unknown as Telling;
    const [metrics, waking] = [
      { ended: () => undefined } as unknown as ApprovalMetrics,
      { after: () => undefined } as unknown as AuditWaking,
    ];
    const { knowledge, requests } = this;
    const settling = new Settling(requests, knowledge, telling, metrics, waking);
    const duties = new Duties(knowledge);
    const asking = new Asking(knowledge, requests, duties, settling);
    const stands = new WhatStands(knowledge, requests, duties, settling, asking);
    const proofs = { check: async (_: unknown, { proof }: { proof: unknown }) => proof } as unknown as Proofs;
    return {
      detected: new OnCommitDetected(knowledge),
      passed: new OnVerificationPassed(knowledge, asking),
      applied: new OnProjectApplied(knowledge, new Reconsidering(knowledge, requests, settling, asking), recording),
      signed: new OnSignOffPosted(proofs, knowledge, requests, settling),
      started: new OnRolloutStarted(requests, settling, recording),
      succeeded: new OnRolloutSucceeded(knowledge, requests, asking, recording, stands),
      failed: new OnRolloutFailed(recording, stands),
      wentBack: new OnRolloutRolledBack(recording, stands),
      command: new OnCommandIssued(knowledge, requests, asking, settling, recording),
      clock: new RunRequestClock(requests, settling),
    };
  }

  private handle(said: Said, unit: UnitOfWork): Promise<void> {
    const { handlers } = this;
    switch (said.say) {
      case 'applied':
        return handlers.applied.handle(this.heard({ ...files[said.version - 1], project: 'shop' }), unit);
      case 'signed': {
        const claims = { decision: 'approve', comment: '', request: said.request, asks: said.asks, nonce: `${said.by} ${said.request}` };
        const proof = { ok: true, claims, by: people[said.by as keyof typeof people], via: 'http' };
        return handlers.signed.handle(this.heard({ request: said.request, proof }), unit);
      }
      default:
        return this.ofRelease(said, releaseOf(said.release), unit);
    }
  }

  private ofRelease(said: Exclude<Said, { say: 'applied' | 'signed' }>, release: Release, unit: UnitOfWork): Promise<void> {
    const { handlers } = this;
    const data = { release, environment, image, address: 'http://127.0.0.1:20000' };
    switch (said.say) {
      case 'detected': {
        const { name, emails } = people[authorOf(said.release)];
        const from = said.release === 1 ? null : releaseOf(said.release - 1).revision;
        const whose = { people: [{ name, email: emails[0], account: null }], pusher: null, trigger: { person: null } };
        return handlers.detected.handle(this.heard({ ...data, ...whose, range: { from, commits: [], total: 1, merged: [] } }), unit);
      }
      case 'passed': {
        const proofs = { provenance: envelope, verdict: envelope, projectVersion: 1, repositoryFile: null, authors: [] };
        return handlers.passed.handle(this.heard({ ...data, ...proofs, environment: 'test' }), unit);
      }
      case 'started':
        return handlers.started.handle(this.heard({ ...data, grant: said.grant }), unit);
      case 'succeeded':
        return handlers.succeeded.handle(this.heard(data, said.at), unit);
      case 'removed':
        return handlers.failed.handle(this.heard({ ...data, next: 'nothing-to-go-back-to' }, said.at), unit);
      case 'went back':
        return handlers.wentBack.handle(this.heard({ ...data, from: releaseOf(said.from) }, said.at), unit);
      default: {
        const kind = said.say === 'withdrawn' ? 'release.withdraw' : 'approval.ask';
        const action = { kind, release: release.id, environment };
        const person = { id: people.Otto.id, name: 'Otto' };
        return handlers.command.handle(this.heard({ service: 'approval', command: anId(), person, reason: 'x', action }), unit);
      }
    }
  }

  private heard<T>(data: object, time = begins): Received & T {
    return { id: anId(), subject: 'x', time, data } as unknown as Received & T;
  }

  private unit(): UnitOfWork {
    const query = async (sql: string, params: readonly unknown[] = []) => {
      const [, kind, key] = params as readonly [unknown, unknown, string];
      if (sql.startsWith('insert into operation') && kind === 'request-clock' && this.clocks[key] === undefined)
        this.clocks = { ...this.clocks, [key]: 0 };
      return [{ id: 'x' }];
    };
    const tx = { query, notify: () => undefined, afterCommit: () => undefined };
    return { tx, publish: () => anId(), now: new Date(this.now) } as unknown as UnitOfWork;
  }
}
