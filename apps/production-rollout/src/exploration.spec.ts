import { ApprovalGranted, type DsseEnvelope, type GrantStatement, type Release, RolloutStarted } from '@slipway/contracts';
import type { VerdictWithEvidence } from '@slipway/deployments';
import { digestOf } from '@slipway/identity';
import type { Received, UnitOfWork } from '@slipway/messaging';
import type { Claim } from '@slipway/operations';
import type { Orchestrator } from '@slipway/orchestrators';
import { goesBackwards } from '@slipway/release';
import { aDigest, anId, aRelease } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Beginning } from './beginning.js';
import { emptyEnvironment, lastGoodOf, type Rollout } from './domain/environment.js';
import { Ending } from './ending.js';
import { MemoryRollouts } from './memory-rollouts.fixture.js';
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

type Step =
  | { readonly do: 'grant' | 'reissue' | 'void' | 'withdraw' | 'hear' | 'hear-twice' | 'lose' | 'work'; readonly release: number }
  | { readonly do: 'back'; readonly to: number | null }
  | { readonly do: 'end'; readonly how: 'good' | 'taken-back' | 'left' };

const numbers = [1, 2, 3, 4];
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('grant', 'grant', 'hear', 'hear', 'hear-twice', 'lose', 'work', 'work', 'reissue', 'void', 'withdraw'),
      release: fc.constantFrom(...numbers),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('back'), to: fc.constantFrom(null, 1, 2, 3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end'), how: fc.constantFrom('good', 'good', 'taken-back', 'left') }) },
);

/** One environment, with approval played by the rules of design part 4 and its events heard in any order: what is lost is said again later. */
class World {
  readonly rollouts = new MemoryRollouts();
  readonly releases: readonly Release[];
  private readonly good = new Map<number, GrantStatement>();
  private readonly owed = new Map<number, ((unit: UnitOfWork) => Promise<void>)[]>();
  private readonly last = new Map<number, (unit: UnitOfWork) => Promise<void>>();
  private readonly telling = new Telling(this.rollouts);
  private readonly ends = new RequestEnds(this.rollouts, this.telling);
  private readonly proofs = { grant: opened, whole: () => ({ ok: true }) } as unknown as Proofs;
  private readonly beginning: Beginning;
  private readonly ending: Ending;

  constructor(tag: number) {
    this.releases = numbers.map((number) =>
      aRelease({ project: 'shop', number, line: number === tag ? 'refs/heads/other' : 'refs/heads/main' }),
    );
    const grants = {
      look: async (_: unknown, grant: { id: string }) => (this.isGood(grant.id) ? 'good' : 'not good'),
    } as unknown as GrantsGoodNow;
    this.beginning = new Beginning(this.rollouts, grants, this.proofs, {} as Secrets, this.telling);
    this.ending = new Ending(this.rollouts, this.telling, {
      ended: () => undefined,
      recovered: () => undefined,
    } as unknown as RolloutMetrics);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'grant':
        return this.grant(step.release, undefined);
      case 'reissue':
        return this.grant(step.release, this.good.get(step.release)?.request ?? null);
      case 'void':
        return this.endRequest(
          step.release,
          (request) => (unit) => new OnApprovalVoided(this.ends).handle(heard({ request, reason: { code: 'changed', message: '' } }), unit),
        );
      case 'withdraw':
        await this.take({ do: 'void', release: step.release });
        return this.owe(step.release, (unit) =>
          new OnReleaseWithdrawn(this.rollouts, this.telling).handle(heard({ release: this.release(step.release), reason: 'leak' }), unit),
        );
      case 'hear':
      case 'hear-twice':
        return this.hear(step.release, step.do === 'hear-twice');
      case 'lose':
        return this.lose(step.release);
      case 'work':
        for (const rollout of this.rollouts.all('waiting')) if (rollout.release.number === step.release) await this.begin(rollout);
        return;
      case 'back': {
        const data = { service: 'production-rollout', command: anId(), person: { id: anId(), name: 'Otto' }, reason: 'bad' };
        const action = { kind: 'environment.rollback', project: 'shop', environment: 'production', to: step.to };
        return this.unit((unit) =>
          new OnCommandIssued(this.rollouts, {} as Placing, this.telling).handle(heard({ ...data, action }), unit),
        );
      }
      case 'end':
        return this.end(step.how);
    }
  }

  /** Everything owed is heard, and work goes on until nothing changes. */
  async drain(): Promise<void> {
    for (const number of numbers) while ((this.owed.get(number) ?? []).length > 0) await this.hear(number, false);
    for (let round = 0; round < 30; round++) {
      for (const rollout of this.rollouts.all('waiting')) await this.begin(rollout);
      await this.end('good');
    }
  }

  private async grant(number: number, again: string | null | undefined): Promise<void> {
    const runs = this.rollouts.state.running?.release ?? null;
    const release = this.release(number);
    if (again === null || (again === undefined && (this.good.has(number) || runs?.id === release.id || goesBackwards(runs, release))))
      return;
    if (this.rollouts.gone.has(release.id)) return;
    const deployment = {
      project: 'shop',
      environment: 'production',
      stage: 'production',
      release,
      image: { repository: 'r', digest: aDigest('a') },
      app: { secrets: [] },
      target: {},
    };
    const statement = {
      grant: anId(),
      request: again ?? anId(),
      deployment,
      asks: digestOf(deployment),
      issuedAt: this.rollouts.tick(),
      notAfter: '2026-11-24T00:00:00.000Z',
    };
    this.good.set(number, statement as unknown as GrantStatement);
    const grant = { payload: JSON.stringify(statement) } as DsseEnvelope;
    const data = { request: statement.request, release, environment: 'production', grant, provenance: grant, verdict: grant, authors: [] };
    this.owe(number, (unit) =>
      new OnApprovalGranted(this.rollouts, this.proofs, this.telling).handle(heard(data, ApprovalGranted.name), unit),
    );
    for (const older of numbers)
      if (older < number && this.release(older).line === release.line)
        this.endRequest(older, (request) => (unit) => new OnApprovalSuperseded(this.ends).handle(heard({ request, by: release }), unit));
  }

  /** Only an unused grant ends: approval has heard of every rollout that began. */
  private endRequest(number: number, say: (request: string) => (unit: UnitOfWork) => Promise<void>): void {
    const statement = this.good.get(number);
    if (!statement) return;
    this.good.delete(number);
    this.owe(number, say(statement.request));
  }

  private owe(number: number, say: (unit: UnitOfWork) => Promise<void>): void {
    this.owed.set(number, [...(this.owed.get(number) ?? []), say]);
  }

  /** What would be heard next is heard after all that is owed by now. */
  private lose(number: number): void {
    const [next, ...later] = this.owed.get(number) ?? [];
    if (next) this.owed.set(number, [...later, next]);
  }

  private async hear(number: number, twice: boolean): Promise<void> {
    const next = this.owed.get(number)?.shift();
    if (next) this.last.set(number, next);
    const again = next ?? (twice ? this.last.get(number) : undefined);
    if (again) await this.unit(again);
    if (again && twice) await this.unit(again);
  }

  private async begin(rollout: Rollout): Promise<void> {
    const orchestrator = { available: async () => ({ ok: true }), observe: async () => ({ instances: [] }) } as unknown as Orchestrator;
    await this.beginning.begin(this.claim(), rollout, orchestrator);
  }

  private async end(how: 'good' | 'taken-back' | 'left'): Promise<void> {
    const [running] = this.rollouts.all('running');
    if (!running) return;
    const back = running.kind === 'rollback' ? undefined : lastGoodOf(this.rollouts.state, this.rollouts.gone);
    const failure = { code: 'crashed', message: 'exit code 1', instances: [] };
    const after =
      how === 'left' || running.kind === 'rollback'
        ? { now: 'held' }
        : back
          ? { now: 'restored', release: back.release.id }
          : { now: 'removed' };
    const verdict = how === 'good' ? { outcome: 'succeeded', address: '' } : { outcome: 'failed', failure, after, evidence: [], tookMs: 1 };
    const orchestrator = { observe: async () => ({ wanted: 1 }) } as unknown as Orchestrator;
    const before = this.rollouts.state.running;
    const environment = { project: 'shop', environment: 'production' };
    await this.ending.end(this.claim(), running, verdict as unknown as VerdictWithEvidence, { orchestrator, environment });
    const now = this.rollouts.state.running;
    const wasOrdered = running.kind === 'rollback' || how !== 'good';
    if (!wasOrdered && before && now) expect(goesBackwards(before.release, now.release)).toBe(false);
    if (how === 'taken-back' && now) expect(this.rollouts.gone.has(now.release.id)).toBe(false);
  }

  private async unit(fn: (unit: UnitOfWork) => Promise<void>): Promise<void> {
    await fn(this.open());
    expect(this.rollouts.all('running').length).toBeLessThanOrEqual(1);
  }

  private open(): UnitOfWork {
    const tx = { query: async () => [{ id: 'x' }], notify: () => undefined, afterCommit: () => undefined };
    const publish = (event: { name: string }, { data }: { data: unknown }) => {
      if (event.name === RolloutStarted.name) this.started(data as { kind: string; grant: string; release: Release });
      return anId();
    };
    return { tx, now: new Date(this.rollouts.tick()), publish } as unknown as UnitOfWork;
  }

  /** What must hold whenever anything begins. */
  private started({ kind, grant, release }: { kind: string; grant: string; release: Release }): void {
    const { history } = this.rollouts.state;
    expect(this.rollouts.gone.has(release.id)).toBe(false);
    expect(this.rollouts.all('running').length).toBe(1);
    if (kind === 'rollback') expect(history.map((standing) => standing.release.id)).toContain(release.id);
    else this.startedByGrant(grant, release);
  }

  private startedByGrant(grant: string, release: Release): void {
    const { running, barred } = this.rollouts.state;
    expect(this.isGood(grant)).toBe(true);
    if (running) expect(goesBackwards(running.release, release)).toBe(false);
    const bar = barred.find((each) => each.number === release.number);
    const issuedAt = this.good.get(release.number)?.issuedAt ?? '';
    if (bar) expect(issuedAt > bar.at).toBe(true);
    this.good.delete(release.number);
  }

  private claim(): Claim<{ rollout: string }> {
    const transact = async <T>(fn: (unit: UnitOfWork) => Promise<T>) => {
      const result = await fn(this.open());
      expect(this.rollouts.all('running').length).toBeLessThanOrEqual(1);
      return result;
    };
    return { transact, complete: transact, signal: new AbortController().signal } as unknown as Claim<{ rollout: string }>;
  }

  private isGood(grant: string): boolean {
    return [...this.good.values()].some((statement) => statement.grant === grant);
  }

  private release(number: number): Release {
    return this.releases[number - 1] as Release;
  }
}

function opened(envelope: DsseEnvelope) {
  return { ok: true, statement: JSON.parse(envelope.payload) as GrantStatement };
}

function heard<T>(data: object, name = ''): Received & T {
  return { id: anId(), name, subject: 'x', time: '2026-11-23T05:00:00.000Z', data } as unknown as Received & T;
}

describe('whatever happens to an environment, in whatever order', () => {
  it('lets in nothing unapproved, one rollout at a time, never backwards but by a rollback, and leaves nothing waiting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), fc.constantFrom(0, 2, 3), async (steps, other) => {
        const world = new World(other);
        expect(world.rollouts.state).toEqual(emptyEnvironment('shop', 'production'));
        for (const step of steps) await world.take(step);
        await world.drain();
        expect(world.rollouts.all('running')).toEqual([]);
        expect(world.rollouts.all('waiting')).toEqual([]);
      }),
      { numRuns: 1500 },
    );
  }, 60_000);
});
