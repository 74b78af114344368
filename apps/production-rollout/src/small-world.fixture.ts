import type { DsseEnvelope, GrantStatement, Release } from '@slipway/contracts';
import { ApprovalGranted, RolloutStarted } from '@slipway/contracts';
import type { VerdictWithEvidence } from '@slipway/deployments';
import { digestOf } from '@slipway/identity';
import type { Received, UnitOfWork } from '@slipway/messaging';
import { type Claim, LostClaim } from '@slipway/operations';
import type { Orchestrator } from '@slipway/orchestrators';
import { aDigest, anId, aRelease, Broken } from '@slipway/testkit';
import { Beginning } from './beginning.js';
import { emptyEnvironment, lastGoodOf, type Rollout, standingOf } from './domain/environment.js';
import { Ending } from './ending.js';
import { type Kept, MemoryRollouts } from './memory-rollouts.fixture.js';
import { OnApprovalGranted } from './on-approval-granted.js';
import { OnApprovalSuperseded } from './on-approval-superseded.js';
import { OnApprovalVoided } from './on-approval-voided.js';
import { OnCommandIssued } from './on-command-issued.js';
import { OnReleaseWithdrawn } from './on-release-withdrawn.js';
import type { Placing } from './placing.js';
import type { GrantsGoodNow, Proofs, Secrets } from './ports.js';
import type { RolloutMetrics } from './production-rollout.metrics.js';
import { RequestEnds } from './request-ends.js';
import { Telling } from './telling.js';

/** What is on its way to production-rollout, in no order. */
export type Said =
  | { readonly say: 'granted'; readonly release: number; readonly statement: GrantStatement }
  | { readonly say: 'voided' | 'superseded'; readonly release: number; readonly request: string; readonly by: number }
  | { readonly say: 'withdrawn'; readonly release: number }
  | { readonly say: 'back'; readonly to: number | null };

/** The one environment, as production-rollout's tables have it, and the grants that approval would let in now, by release. */
export interface Tables {
  readonly kept: Kept;
  readonly good: Readonly<Record<number, GrantStatement>>;
  /** Rollouts whose work is owed, with the newest epoch given out; -1 once it is done. */
  readonly owed: Readonly<Record<string, number>>;
}

export const releases: readonly Release[] = [1, 2, 3].map((number) => aRelease({ project: 'shop', number }));
export const empty: Tables = {
  kept: { state: emptyEnvironment('shop', 'production'), gone: [], rollouts: [], ends: [], seconds: 0 },
  good: {},
  owed: {},
};

export function releaseOf(number: number): Release {
  return releases[number - 1] as Release;
}

/** What lets a release in, as approval signs it. */
export function aStatement(number: number, issuedAt: string, request = anId()): GrantStatement {
  const common = { project: 'shop', environment: 'production', stage: 'production', release: releaseOf(number), target: {} };
  const deployment = { ...common, image: { repository: 'r', digest: aDigest('a') }, app: { secrets: [] } };
  const statement = { grant: anId(), request, deployment, asks: digestOf(deployment), issuedAt, notAfter: '2026-11-24T00:00:00.000Z' };
  return statement as unknown as GrantStatement;
}

/** The real handlers, the real beginning and the real ending, over tables that are put back as they were where a transaction fails. */
export class Shop {
  readonly rollouts = new MemoryRollouts();
  private good: Record<number, GrantStatement>;
  private owed: Record<string, number>;
  private readonly telling = new Telling(this.rollouts);
  private readonly ends = new RequestEnds(this.rollouts, this.telling);
  private readonly proofs = { grant: opened, whole: () => ({ ok: true }) } as unknown as Proofs;

  constructor(
    { kept, good, owed }: Tables,
    private readonly rules: { readonly asksView: boolean; readonly fence: boolean } = { asksView: true, fence: true },
  ) {
    this.rollouts.keep(kept);
    this.good = { ...good };
    this.owed = { ...owed };
  }

  tables(): Tables {
    return { kept: this.rollouts.kept(), good: this.good, owed: this.owed };
  }

  hear(said: Said): Promise<void> {
    return this.transact((unit) => this.handle(said, unit));
  }

  /** A worker takes what is owed; gives its epoch. */
  claim(rollout: string): number {
    const epoch = (this.owed[rollout] ?? 0) + 1;
    this.owed = { ...this.owed, [rollout]: epoch };
    return epoch;
  }

  async begin(rollout: Rollout, epoch: number) {
    const grants = {
      look: async (_: unknown, grant: { id: string }) => (!this.rules.asksView || this.isGood(grant.id) ? 'good' : 'not good'),
    };
    const beginning = new Beginning(this.rollouts, grants as unknown as GrantsGoodNow, this.proofs, {} as Secrets, this.telling);
    const target = { available: async () => ({ ok: true }), observe: async () => ({ instances: [] }) } as unknown as Orchestrator;
    const begun = await beginning.begin(this.claimOf(rollout.id, epoch), rollout, target);
    if (begun === 'ended') this.owed = { ...this.owed, [rollout.id]: -1 };
    return begun;
  }

  /** What a failed rollout goes back to. */
  before(rollout: Rollout) {
    const past = rollout.kind === 'rollback' ? undefined : lastGoodOf(this.rollouts.state, this.rollouts.gone);
    const whole = past && this.rollouts.whole(past.rollout);
    return whole && standingOf(past, whole);
  }

  async end(rollout: Rollout, epoch: number, how: 'good' | 'restored' | 'removed' | 'held'): Promise<void> {
    const after = how === 'restored' ? { now: how, release: this.before(rollout)?.release.id } : { now: how };
    const failure = { code: 'crashed', message: 'exit code 1', instances: [] };
    const verdict = how === 'good' ? { outcome: 'succeeded', address: '' } : { outcome: 'failed', failure, after, evidence: [], tookMs: 1 };
    const orchestrator = { observe: async () => ({ wanted: 1 }) } as unknown as Orchestrator;
    const stands = { orchestrator, environment: { project: 'shop', environment: 'production' } };
    const metrics = { ended: () => undefined, recovered: () => undefined } as unknown as RolloutMetrics;
    const ending = new Ending(this.rollouts, this.telling, metrics);
    await ending.end(this.claimOf(rollout.id, epoch), rollout, verdict as unknown as VerdictWithEvidence, stands);
  }

  /** What approval lets in from now on; it ends what it let in of older ones. Gives what it says. */
  grant(number: number, again: boolean): readonly Said[] {
    const statement = aStatement(number, this.rollouts.tick(), again ? this.good[number]?.request : undefined);
    const older = Object.keys(this.good)
      .map(Number)
      .filter((each) => each < number);
    const said = older.map((each): Said => this.ended(each, { say: 'superseded', by: number }));
    this.good = { ...this.good, [number]: statement };
    return [{ say: 'granted', release: number, statement }, ...said];
  }

  /** Only an unused grant ends: approval has heard of every rollout that began. */
  ended(number: number, { say, by }: { say: 'voided' | 'superseded'; by: number }): Said {
    const { [number]: statement, ...others } = this.good;
    this.good = others;
    return { say, release: number, request: statement?.request ?? '', by };
  }

  private handle(said: Said, unit: UnitOfWork): Promise<void> {
    switch (said.say) {
      case 'granted': {
        const { statement } = said;
        const grant = { payload: JSON.stringify(statement) } as DsseEnvelope;
        const common = { release: releaseOf(said.release), environment: 'production', authors: [] };
        const data = { request: statement.request, grant, provenance: grant, verdict: grant, ...common };
        return new OnApprovalGranted(this.rollouts, this.proofs, this.telling).handle(heard(data, ApprovalGranted.name), unit);
      }
      case 'voided':
        return new OnApprovalVoided(this.ends).handle(heard({ request: said.request, reason: { code: 'changed', message: '' } }), unit);
      case 'superseded':
        return new OnApprovalSuperseded(this.ends).handle(heard({ request: said.request, by: releaseOf(said.by) }), unit);
      case 'withdrawn': {
        const data = { release: releaseOf(said.release), reason: 'leak' };
        return new OnReleaseWithdrawn(this.rollouts, this.telling).handle(heard(data), unit);
      }
      case 'back': {
        const action = { kind: 'environment.rollback', project: 'shop', environment: 'production', to: said.to };
        const data = { service: 'production-rollout', command: anId(), person: { id: anId(), name: 'Otto' }, reason: 'bad', action };
        return new OnCommandIssued(this.rollouts, {} as Placing, this.telling).handle(heard(data), unit);
      }
    }
  }

  private isGood(grant: string): boolean {
    return Object.values(this.good).some((statement) => statement.grant === grant);
  }

  private claimOf(rollout: string, epoch: number): Claim<{ rollout: string }> {
    const fenced = (ends: boolean) => (fn: (unit: UnitOfWork) => Promise<unknown>) =>
      this.transact(async (unit) => {
        const result = await fn(unit);
        if (this.rules.fence && this.owed[rollout] !== epoch) throw new LostClaim('rollout', rollout, epoch);
        if (ends) this.owed = { ...this.owed, [rollout]: -1 };
        return result;
      });
    const signal = new AbortController().signal;
    return { transact: fenced(false), complete: fenced(true), signal } as unknown as Claim<{ rollout: string }>;
  }

  /** One transaction: all of it, or nothing. */
  private async transact<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const before = this.tables();
    try {
      const unit = { tx: this.tx(), now: new Date(this.rollouts.tick()), publish: (...said: Published) => this.published(said) };
      return await fn(unit as unknown as UnitOfWork);
    } catch (error) {
      this.rollouts.keep(before.kept);
      this.good = before.good;
      this.owed = before.owed;
      throw error;
    }
  }

  /** Of the tables of libs/operations only what is owed, once. */
  private tx() {
    const query = async (sql: string, params: readonly unknown[] = []) => {
      const [, kind, key] = params as readonly [unknown, unknown, string];
      if (sql.startsWith('insert into operation') && kind === 'rollout' && this.owed[key] === undefined)
        this.owed = { ...this.owed, [key]: 0 };
      return [{ id: 'x' }];
    };
    return { query, notify: () => undefined, afterCommit: () => undefined };
  }

  private published([event, { data }]: Published): string {
    if (event.name === RolloutStarted.name) this.started(data as { kind: string; grant: string; release: Release });
    return anId();
  }

  /** Promise 2, at the very moment the intent is written; a grant is used by it. */
  private started({ kind, grant, release }: { kind: string; grant: string; release: Release }): void {
    const { history } = this.rollouts.state;
    const wasGood = history.some((past) => this.rollouts.whole(past.rollout)?.grant.id === grant);
    if (this.rollouts.gone.has(release.id)) throw new Broken('what was withdrawn never begins', [], `release ${release.number} did`, null);
    if (kind === 'rollback' && wasGood) return;
    if (kind === 'rollback' || !this.isGood(grant))
      throw new Broken('nothing unapproved begins', [], `release ${release.number} did`, null);
    const { [release.number]: _, ...others } = this.good;
    this.good = others;
  }
}

type Published = readonly [event: { readonly name: string }, said: { readonly data: unknown }];

function opened(envelope: DsseEnvelope) {
  return { ok: true, statement: JSON.parse(envelope.payload) as GrantStatement };
}

function heard<T>(data: object, name = ''): Received & T {
  return { id: anId(), name, subject: 'x', time: '2026-11-23T05:00:00.000Z', data } as unknown as Received & T;
}
