import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '@slipway/docker-engine';
import type { Deployment } from '../deployment.js';
import type { Refusal } from '../observed.js';
import type { ActContext, Progress } from '../port.js';
import type { EnvironmentFiles, Memory } from './environment-files.js';
import { type Fact, readFacts, toCandidate } from './facts.js';
import { type Making, makeInstance, startInstance, takeLeave } from './instances.js';
import { instanceName, label } from './labels.js';
import { type Aim, plan, type Step } from './plan.js';
import type { Prober } from './probe.js';
import type { End } from './reconnect.js';
import type { Settings } from './settings.js';
import { together } from './together.js';
import { memberOf, Traffic } from './traffic.js';

/** What this process knows of work that goes on inside the engine; losing it costs time only. */
export interface Ongoing {
  /** Container id → our monotonic clock when its draining began. */
  readonly draining: Map<string, number>;
  /** Container id → its stop, which may last as long as the drain time. */
  readonly stopping: Map<string, Promise<void>>;
  /** Network → what was started anew last because the proxy does not reach the instances. */
  readonly reconnecting: Map<string, End>;
}

export interface Convergence {
  readonly settings: Settings;
  readonly deployment: Deployment;
  readonly making: Making;
  readonly files: EnvironmentFiles;
  readonly prober: Prober;
  readonly ongoing: Ongoing;
  readonly context: ActContext;
}

export type Outcome =
  | { readonly progress: 'converged' }
  | { readonly progress: 'moving'; readonly waitingFor: string }
  | { readonly progress: 'refused'; readonly refusal: Refusal };

/** More than any environment needs in one go; what is left is done by the next call. */
const longestChain = 200;
/** How long the last stops are waited for within one call; the next call goes on waiting. */
const stopPatienceMs = 1500;

/** How far it got, and what was read last when nothing was done about it afterwards. */
export interface Converged {
  readonly outcome: Outcome;
  readonly memory: Memory;
  readonly facts?: readonly Fact[];
}

/** Takes the environment as far as it gets without waiting for the application. The memory is written before what it speaks of is done. */
export async function converge(convergence: Convergence, memory: Memory): Promise<Converged> {
  const run = new Run(convergence, memory);
  const outcome = await run.toTheEnd();
  return { outcome, memory: run.memory, ...(run.facts && { facts: run.facts }) };
}

/** Where nothing runs there is nobody to be careful of: the first instances start while the proxy does. */
export async function startFirst({ deployment, making, context }: Convergence): Promise<Refusal | undefined> {
  const taken = new Set<string>();
  const starts = Array.from({ length: deployment.instances }, async (_, index) => {
    context.onProgress?.({ step: 'start', detail: `instance ${index + 1}` });
    return await makeInstance(making, index + 1, taken);
  });
  return (await together(starts)).find((said) => said !== undefined);
}

class Run {
  memory: Memory;
  facts: readonly Fact[] | undefined;
  readonly #it: Convergence;
  readonly #traffic: Traffic;
  readonly #startedAgain = new Set<string>();

  constructor(convergence: Convergence, memory: Memory) {
    this.#it = convergence;
    this.memory = memory;
    this.#traffic = new Traffic(convergence.files, convergence.deployment.app);
  }

  async toTheEnd(): Promise<Outcome> {
    for (let chain = 0; chain < longestChain; chain++) {
      this.#it.context.signal.throwIfAborted();
      const facts = await this.#look();
      const steps = plan(this.#aim(), this.#candidates(facts), this.#reserved(facts)).filter(
        (step) => !(step.do === 'start-again' && this.#startedAgain.has(step.name)),
      );
      const first = steps[0];
      this.facts = facts;
      if (first === undefined) return { progress: 'moving', waitingFor: 'an instance that ended as soon as it was started' };
      if (first.do === 'wait') return { progress: 'moving', waitingFor: first.for };
      if (first.do === 'nothing') {
        const stops = [...this.#it.ongoing.stopping].filter(([id]) => facts.some((fact) => fact.info.id === id));
        if (stops.length === 0) return { progress: 'converged' };
        this.facts = undefined;
        const stopped = await Promise.race([
          Promise.all(stops.map(([, stop]) => stop)),
          delay(stopPatienceMs, 'late' as const, { ref: false }),
        ]);
        if (stopped === 'late') return { progress: 'moving', waitingFor: 'replaced instances to stop' };
        continue;
      }
      this.facts = undefined;
      const outcome = await this.#take(steps, facts);
      if (outcome !== undefined) return outcome;
    }
    return { progress: 'moving', waitingFor: 'more steps than one call takes' };
  }

  async #look(): Promise<Fact[]> {
    const { settings, deployment, prober, files, context } = this.#it;
    const { environment, app } = deployment;
    const members = new Set(this.memory.members);
    const read = () =>
      readFacts({ settings, environment, prober, health: app.health, members, socket: files.socket, signal: context.signal });
    const facts = await read();
    const there = facts.filter((fact) => members.has(fact.info.name));
    if (there.length !== members.size) await this.#setMembers(there.map((fact) => fact.info.name));
    const known = there.map((fact) => memberOf(fact.info, app.health));
    return (await this.#traffic.sync(facts, known)) ? await read() : facts;
  }

  #candidates(facts: readonly Fact[]) {
    const { deployment, making, ongoing } = this.#it;
    const goal = { digest: deployment.digest, configHash: making.configHash };
    const here = facts.filter((fact) => !ongoing.stopping.has(fact.info.id));
    // Another process began it: its time counts from when we see it.
    for (const { info, server } of here)
      if (server?.status.startsWith('DRAIN') && !ongoing.draining.has(info.id)) ongoing.draining.set(info.id, performance.now());
    return here.map((fact) => toCandidate(fact, goal, ongoing.draining));
  }

  /** Numbers whose names are held, be it by instances on their way out. */
  #reserved(facts: readonly Fact[]): number[] {
    const { deployment, making } = this.#it;
    const held = facts.filter(({ info, number }) => info.name === instanceName(deployment, making.configHash, number));
    return held.map(({ number }) => number);
  }

  #aim(): Aim {
    const { deployment } = this.#it;
    const { maxSurge, maxUnavailable } = deployment.strategy ?? { maxSurge: 1, maxUnavailable: 0 };
    return { wanted: deployment.instances, maxSurge, maxUnavailable, stableMs: deployment.app.stableMs, drainMs: deployment.app.drainMs };
  }

  async #take(steps: readonly Step[], facts: readonly Fact[]): Promise<Outcome | undefined> {
    const { signal } = this.#it.context;
    const taken = new Set(facts.map((fact) => fact.info.labels[label.address] ?? ''));
    const creations = steps.filter((step) => step.do === 'create').map((step) => this.#one(step, undefined, taken));
    const others = async (): Promise<Refusal | undefined> => {
      for (const step of steps) {
        if (step.do === 'create') continue;
        signal.throwIfAborted();
        const fact = 'name' in step ? facts.find((one) => one.info.name === step.name) : undefined;
        const refusal = await this.#one(step, fact, taken);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    };
    // What leaves does not wait for what starts.
    const refusal = (await together([...creations, others()])).find((said) => said !== undefined);
    return refusal && { progress: 'refused', refusal };
  }

  async #one(step: Step, fact: Fact | undefined, taken: Set<string>): Promise<Refusal | undefined> {
    const { making, settings, context } = this.#it;
    if (step.do === 'create') {
      this.#say('start', `instance ${step.number}`);
      return await makeInstance(making, step.number, taken);
    }
    if (fact === undefined) return undefined;
    const { name, id } = fact.info;
    switch (step.do) {
      case 'start-again':
        this.#say('start', 'it had stopped', name);
        this.#startedAgain.add(name);
        return await startInstance(settings.engine, id, context.signal);
      case 'join':
        this.#say('join', 'healthy', name);
        this.#it.ongoing.draining.delete(id);
        // Those the proxy does not know are made known to it at the next look.
        if (fact.server === undefined) await this.#setMembers([...new Set([...this.memory.members, name])]);
        else await this.#traffic.ready(name);
        return undefined;
      case 'drain':
        this.#say('drain', 'gets no new requests', name);
        this.#it.ongoing.draining.set(id, performance.now());
        await this.#traffic.drain(name);
        return undefined;
      case 'retire':
        return await this.#retire(fact);
      default:
        return undefined;
    }
  }

  async #retire(fact: Fact): Promise<undefined> {
    const { settings, deployment, ongoing, context } = this.#it;
    const { name, id } = fact.info;
    this.#say('stop', 'replaced or not needed any more', name);
    if (fact.member) await this.#setMembers(this.memory.members.filter((member) => member !== name));
    // Should it still hold connections the proxy deletes it at the next look; it gets no requests any more either way.
    if (fact.server !== undefined) await this.#traffic.leave(name);
    ongoing.draining.delete(id);
    if (!(await takeLeave(settings.engine, fact.info, context.signal))) return;
    ongoing.stopping.set(id, this.#stop(id, Math.max(1, Math.ceil(deployment.app.drainMs / 1000))));
  }

  /** Goes on by itself when this call ends, and may come late: nobody adopts what is leaving. Whoever takes over after a crash sees it again and asks again. */
  async #stop(id: string, graceSeconds: number): Promise<void> {
    const { engine } = this.#it.settings;
    try {
      await engine.containers.stop(id, { graceSeconds });
      await engine.containers.remove(id, { force: true });
    } catch (error) {
      // Found again at the next look.
      if (!(error instanceof EngineError)) throw error;
    } finally {
      this.#it.ongoing.stopping.delete(id);
    }
  }

  async #setMembers(members: string[]): Promise<void> {
    this.memory = { ...this.memory, members };
    await this.#it.files.remember(this.memory);
  }

  #say(step: Progress['step'], detail: string, instance?: string): void {
    this.#it.context.onProgress?.({ step, detail, ...(instance && { instance }) });
  }
}
