import type { Release } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import {
  type EnvironmentState,
  emptyEnvironment,
  type Past,
  type Queued,
  type RequestEnd,
  type Rollout,
  type Standing,
  standingOf,
} from './domain/environment.js';
import { Rollouts } from './ports.js';

/** All that is kept, to be gone back to. */
export interface Kept {
  readonly state: EnvironmentState;
  readonly gone: readonly string[];
  readonly rollouts: readonly Rollout[];
  readonly ends: readonly (readonly [string, RequestEnd])[];
  readonly seconds: number;
}

/** {@link Rollouts} of one environment in memory, for exploring many stories a second. What a table would refuse is refused. */
export class MemoryRollouts extends Rollouts {
  state: EnvironmentState = emptyEnvironment('shop', 'production');
  readonly gone = new Set<string>();
  private readonly rollouts = new Map<string, Rollout>();
  private readonly ends = new Map<string, RequestEnd>();
  private seconds = 0;

  kept(): Kept {
    return { state: this.state, gone: [...this.gone], rollouts: [...this.rollouts.values()], ends: [...this.ends], seconds: this.seconds };
  }

  keep({ state, gone, rollouts, ends, seconds }: Kept): void {
    this.state = state;
    this.seconds = seconds;
    this.gone.clear();
    this.rollouts.clear();
    this.ends.clear();
    for (const each of gone) this.gone.add(each);
    for (const each of rollouts) this.rollouts.set(each.id, each);
    for (const [request, end] of ends) this.ends.set(request, end);
  }

  /** The next moment of the database's clock. */
  tick(): string {
    this.seconds += 1;
    return new Date(Date.UTC(2026, 10, 23) + this.seconds * 1000).toISOString();
  }

  whole(id: string): Rollout | undefined {
    return this.rollouts.get(id);
  }

  all(state: Rollout['state']): readonly Rollout[] {
    return [...this.rollouts.values()].filter((rollout) => rollout.state === state);
  }

  async environment(): Promise<EnvironmentState> {
    return this.state;
  }

  async saveEnvironment(_: Tx, environment: EnvironmentState): Promise<void> {
    this.state = environment;
  }

  async occupied(): Promise<readonly { project: string; environment: string }[]> {
    return this.state.running ? [{ project: 'shop', environment: 'production' }] : [];
  }

  async find(_: Tx, id: string): Promise<Rollout | undefined> {
    return this.rollouts.get(id);
  }

  async standing(_: Tx, past: Past): Promise<Standing> {
    const rollout = this.rollouts.get(past.rollout);
    if (!rollout) throw new Error(`no rollout ${past.rollout}`);
    return standingOf(past, rollout);
  }

  async ofRequest(_: Tx, request: string): Promise<Rollout | undefined> {
    return [...this.rollouts.values()].find((rollout) => rollout.kind === 'rollout' && rollout.grant.request === request);
  }

  async alone(): Promise<void> {}

  async rememberEnd(_: Tx, request: string, end: RequestEnd): Promise<void> {
    this.ends.set(request, end);
  }

  async endOf(_: Tx, request: string): Promise<RequestEnd | undefined> {
    return this.ends.get(request);
  }

  async waitingOf(_: Tx, release: string): Promise<readonly Rollout[]> {
    return this.all('waiting').filter((rollout) => rollout.release.id === release);
  }

  async waiting(): Promise<readonly Queued[]> {
    return this.all('waiting');
  }

  async believedOf(_: Tx, ids: readonly string[]): Promise<readonly string[]> {
    return ids;
  }

  async isWanted(): Promise<boolean> {
    return this.all('running').length > 0;
  }

  async rollbackWaits(): Promise<boolean> {
    return this.all('waiting').some((rollout) => rollout.kind === 'rollback');
  }

  async running(): Promise<Rollout | undefined> {
    return this.all('running')[0];
  }

  async insert(tx: Tx, rollout: Rollout): Promise<void> {
    if (rollout.kind === 'rollout' && (await this.ofRequest(tx, rollout.grant.request))) throw new Error('this request has a rollout');
    this.rollouts.set(rollout.id, rollout);
  }

  async save(_: Tx, rollout: Rollout): Promise<void> {
    const [running] = this.all('running');
    if (rollout.state === 'running' && running && running.id !== rollout.id) throw new Error('another rollout is under way');
    this.rollouts.set(rollout.id, rollout);
  }

  async withdrawn(): Promise<ReadonlySet<string>> {
    return this.gone;
  }

  async withdraw(_: Tx, { id }: Release): Promise<void> {
    this.gone.add(id);
  }
}
