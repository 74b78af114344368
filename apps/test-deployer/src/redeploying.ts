import { Injectable } from '@nestjs/common';
import type { Reason } from '@slipway/contracts';
import type { Cause, UnitOfWork } from '@slipway/messaging';
import { environmentOf } from '@slipway/release';
import { type Asked, heldWords, isUnderWay, type TestDeployment, toRetry } from './domain/test-environment.js';
import { unknownEnvironment } from './holding.js';
import { Applied, Decisions, Deployments } from './ports.js';
import { Queueing } from './queueing.js';
import { Stopping } from './stopping.js';

/** What people ask of releases that came to test environments before. Answers with words: a reason is a no, a text is a yes. */
@Injectable()
export class Redeploying {
  constructor(
    private readonly deployments: Deployments,
    private readonly applied: Applied,
    private readonly decisions: Decisions,
    private readonly queueing: Queueing,
    private readonly stopping: Stopping,
  ) {}

  /** Puts a release back into an environment from which another one drove it out. */
  async deploy(unit: UnitOfWork, at: { project: string; environment: string; release: string }, asked: Asked, cause: Cause) {
    const here = (await this.deployments.ofRelease(unit.tx, at.release)).filter(
      ({ project, environment }) => project === at.project && environment === at.environment,
    );
    const last = here.at(-1);
    if (!last) return no('release-unknown', `this release never came to ${at.environment}`);
    if (isUnderWay(last)) return no('under-way', `release ${last.release.number} is ${last.state} in ${at.environment}`);
    return this.again(unit, [last], asked, cause);
  }

  /** Deploys and verifies again wherever the release came to no good end. */
  async retry(unit: UnitOfWork, release: string, asked: Asked, cause: Cause): Promise<Reason | string> {
    const decision = toRetry(await this.deployments.ofRelease(unit.tx, release));
    return 'refused' in decision ? decision.refused : this.again(unit, decision.again, asked, cause);
  }

  /** Gives up what waits or is under way. */
  async cancel(unit: UnitOfWork, release: string, asked: Asked): Promise<Reason | string> {
    const busy = (await this.deployments.ofRelease(unit.tx, release)).filter(isUnderWay);
    if (busy.length === 0) return no('nothing-to-cancel', 'it is neither waiting for a test environment nor being tested');
    const reason = { code: 'cancelled', message: `${asked.by.name}: ${asked.reason}` };
    for (const each of busy) await this.stopping.stop(unit, each, reason);
    return `given up in ${busy.map(({ environment }) => environment).join(', ')}`;
  }

  private async again(unit: UnitOfWork, those: readonly TestDeployment[], asked: Asked, cause: Cause): Promise<Reason | string> {
    for (const { project, environment, release } of those) {
      const { file } = (await this.applied.project(unit.tx, project)) ?? { file: null };
      if (file === null || environmentOf(file, environment)?.stage !== 'test') return unknownEnvironment(project, environment);
      if (await this.decisions.isWithdrawn(unit.tx, release.id)) return no('withdrawn', `release ${release.number} was withdrawn`);
      const { hold } = await this.deployments.environment(unit.tx, project, environment);
      if (hold && hold.by.id !== asked.by.id) return no('held', heldWords(hold));
    }
    for (const each of those) await this.queueing.ask(unit, each, each.environment, asked, cause);
    const [first] = those;
    return `release ${first?.release.number} goes to ${those.map(({ environment }) => environment).join(', ')}`;
  }
}

function no(code: string, message: string): Reason {
  return { code, message };
}
