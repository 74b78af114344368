import { ApprovalRejected, ApprovalRequested, BuildStarted, type DataOf, VerificationFailed } from '@slipway/contracts';
import { messageOf, pause } from '../../../tools/parts/until.ts';
import type { LoadLog } from '../../history/load-log.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';
import type { Chance } from '../fault.js';
import { chanceOf } from '../plan.js';
import type { PersonAtWork } from './person-at-work.ts';
import { Seldom } from './seldom.ts';
import type { Shop, Turn } from './shops.ts';
import { Telling } from './telling.ts';

export interface LoadWish {
  readonly suite: SuiteOfProcesses;
  readonly shops: readonly Shop[];
  readonly testers: readonly PersonAtWork[];
  readonly operators: readonly PersonAtWork[];
  /** An operator who wrote every change of this project. */
  readonly author: { readonly person: PersonAtWork; readonly project: string };
  readonly log: LoadLog;
  readonly seed: number;
  /** Between two pushes, ms. */
  readonly pushEveryMs: number;
  readonly say: (text: string) => void;
}

type Request = DataOf<typeof ApprovalRequested>;

const commandEveryMs = 9_000;
const seldomEveryMs = 30_000;
const lookEveryMs = 400;
const reason = 'as the load has it';

/** Developers who push, people who sign, and operators who command, until they are told to stop. */
export class Load {
  private readonly stopped = new AbortController();
  private readonly people: Chance;
  private readonly known = new Set<string>();
  private readonly deciding = new Set<Promise<void>>();
  private readonly rejected = new Set<string>();
  private working: Promise<unknown> = Promise.resolve();

  constructor(private readonly wish: LoadWish) {
    this.people = chanceOf(wish.seed + 1);
  }

  start(): void {
    this.working = Promise.all([this.developers(), this.signers(), this.commanders(), this.others()]);
  }

  /** Resolves when nobody does anything any more: what was begun is done. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.working;
    await Promise.all(this.deciding);
  }

  private async developers(): Promise<void> {
    const chance = chanceOf(this.wish.seed + 2);
    const gateways = () => this.wish.suite.replicas.flatMap(({ service, url }) => (service === 'gateway' ? [url] : []));
    const telling = new Telling(this.wish.log, chanceOf(this.wish.seed + 4), gateways);
    for (let turn = 0; await this.goesOn(this.wish.pushEveryMs); turn += 1) {
      const shop = this.wish.shops[turn % this.wish.shops.length] as Shop;
      await this.trying(`a push to ${shop.name}`, () => this.push(shop, turnOf(chance), telling));
    }
  }

  private async push(shop: Shop, turn: Turn, telling: Telling): Promise<void> {
    const { log } = this.wish;
    const asked = new Date().toISOString();
    const revision = await shop.commit(turn);
    log.pushed({ asked, project: shop.name, ref: shop.ref, revision, turn: shop.comesTo(turn) });
    await telling.tell(shop, revision);
    await telling.tellAgain();
  }

  private async signers(): Promise<void> {
    while (await this.goesOn(lookEveryMs)) {
      for (const request of this.wish.suite.ear.all(ApprovalRequested)) {
        if (this.known.has(request.request)) continue;
        this.known.add(request.request);
        const deciding: Promise<void> = this.trying(`a sign-off for ${request.request}`, () => this.decide(request)).finally(() =>
          this.deciding.delete(deciding),
        );
        this.deciding.add(deciding);
      }
    }
  }

  private async decide(request: Request): Promise<void> {
    const { testers, operators } = this.wish;
    const lot = this.people.whole(1, 100);
    const operator = this.people.one(operators);
    await pause(this.people.whole(200, 2500));
    if (lot <= 8) return void (await operator.signs(request.request, 'reject', 'not like this'));
    if (lot <= 12) {
      const { id } = request.release;
      return void (await operator.commands('withdraw', id, (api) => api.withdrawRelease({ params: { id }, body: { reason } })));
    }
    // Who wrote it may sign as any operator, and counts for nothing.
    if (request.release.project === this.wish.author.project) await this.wish.author.person.signs(request.request, 'approve', 'it is mine');
    for (const { role } of request.require) {
      const person = role === 'tester' ? this.people.one(testers) : operator;
      await person.signs(request.request, 'approve', '');
    }
  }

  private async commanders(): Promise<void> {
    const chance = chanceOf(this.wish.seed + 3);
    while (await this.goesOn(commandEveryMs)) await this.trying('a command', () => this.command(chance));
  }

  private async others(): Promise<void> {
    const { shops, log, seed } = this.wish;
    const seldom = new Seldom(shops, log, chanceOf(seed + 5));
    while (await this.goesOn(seldomEveryMs)) await this.trying('a change or a branch', () => seldom.once());
  }

  private async command(chance: Chance): Promise<void> {
    const { suite } = this.wish;
    const operator = chance.one(this.wish.operators);
    const project = chance.one(this.wish.shops).name;
    const production = { project, environment: 'production' };
    const test = { project, environment: 'test' };
    const about = (params: { project: string; environment: string }) => `${params.project}/${params.environment}`;
    const lot = chance.whole(1, 10);
    const instances = lot % 2 === 0 ? null : chance.whole(1, 3);
    if (lot <= 4)
      await operator.commands('scale', about(production), (api) => api.scale({ params: production, body: { reason, instances } }));
    else if (lot === 5)
      await operator.commands('rollback', about(production), (api) => api.rollback({ params: production, body: { reason, to: null } }));
    else if (lot <= 7) {
      await operator.commands('hold', about(test), (api) => api.hold({ params: test, body: { reason, until: null } }));
      await pause(chance.whole(1_000, 6_000));
      await operator.commands('unhold', about(test), (api) => api.unhold({ params: test, body: { reason } }));
    } else if (lot === 8) {
      const id = suite.ear.all(BuildStarted).at(-1)?.release.id;
      if (id !== undefined) await operator.commands('cancel', id, (api) => api.cancelRelease({ params: { id }, body: { reason } }));
    } else if (lot === 9) {
      const id = suite.ear.all(VerificationFailed).at(-1)?.release.id;
      if (id !== undefined) await operator.commands('retry', id, (api) => api.retryRelease({ params: { id }, body: { reason } }));
    } else {
      const last = suite.ear.all(ApprovalRejected).findLast(({ request }) => !this.rejected.has(request));
      if (last === undefined) return;
      this.rejected.add(last.request);
      const { id } = last.release;
      await operator.commands('ask', id, (api) => api.askAgain({ params: { id }, body: { reason, environment: last.environment } }));
    }
  }

  /** What a load client cannot do is told, and the next is tried. */
  private async trying(what: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => this.wish.say(`${what} did not work: ${messageOf(error)}`));
  }

  /** False once it is to stop; else after the pause. */
  private async goesOn(ms: number): Promise<boolean> {
    const { signal } = this.stopped;
    if (signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return !signal.aborted;
  }
}

function turnOf(chance: Chance): Turn {
  const lot = chance.whole(1, 100);
  if (lot <= 6) return 'does not build';
  if (lot <= 12) return 'is not verified';
  return lot <= 16 ? 'does not roll out' : 'good';
}
