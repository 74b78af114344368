import { Injectable } from '@nestjs/common';
import {
  ApprovalSuperseded,
  ApprovalVoided,
  type DeliveryEnvironment,
  inSeconds,
  type PersonReference,
  type Reason,
  type Release,
  type ResolvedDeployment,
} from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import { environmentOf, goesBackwards, openedBy, resolveDeployment } from '@slipway/release';
import { v7 } from 'uuid';
import { type ApprovalRequest, plus } from './domain/approval-request.js';
import { grewFrom, settingsChanged } from './domain/change.js';
import { type Counting, Duties } from './duties.js';
import { Knowledge, type KnownRelease, type Passage, Requests, type Standing } from './ports.js';
import { Settling } from './settling.js';

interface Question {
  readonly known: KnownRelease;
  readonly environment: DeliveryEnvironment;
  readonly passage: Passage;
  readonly standing: Standing | undefined;
  /** What was asked of it there last. */
  readonly last: ApprovalRequest | undefined;
  /** Read when it is asked for, and once. */
  readonly counting: () => Promise<Counting>;
}

/** Opens requests: resolves what would run, once, and asks people whether exactly that may go in. */
@Injectable()
export class Asking {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly duties: Duties,
    private readonly settling: Settling,
  ) {}

  /** Asks for wherever passing `through` has opened the way. Returns why it must be tried again later, or null. */
  async askNext(unit: UnitOfWork, release: Release, through: string): Promise<Reason | null> {
    await this.knowledge.alone(unit.tx, release.project);
    const file = (await this.knowledge.project(unit.tx, release.project))?.file;
    if (!file) return null;
    let later: Reason | null = null;
    const passed = new Set(await this.knowledge.passed(unit.tx, release.id));
    for (const environment of openedBy(file, release.ref, passed, through)) {
      if (environment.stage === 'test') continue;
      const reason = await this.ask(unit, release.id, environment.name, through, null);
      if (reason?.code === 'older') await this.sayOlder(unit, release, environment.name);
      if (reason?.code === 'not-heard') later = reason;
    }
    return later;
  }

  /**
   * Asks for a release that has passed `through` to go into `name`. Returns why it cannot be asked, or null.
   * `by` is the person who asks anew: only then may what was barred, or ended in a no, be asked again. `counting` is given where it was read before.
   */
  async ask(
    unit: UnitOfWork,
    release: string,
    name: string,
    through: string,
    by: PersonReference | null,
    counting?: Counting,
  ): Promise<Reason | null> {
    const question = await this.question(unit, release, name, through, counting);
    if ('code' in question) return question;
    const obstacle = await this.obstacle(question, by);
    if (obstacle) return obstacle;
    const request = await this.resolve(unit, question);
    if ('code' in request) {
      if (request.code !== 'not-heard') this.sayUnaskable(unit, question, request);
      return request;
    }
    await this.requests.insert(unit.tx, request);
    await this.settling.opened(unit, request);
    return null;
  }

  private async question(
    unit: UnitOfWork,
    release: string,
    name: string,
    through: string,
    counting: Counting | undefined,
  ): Promise<Question | Reason> {
    const known = await this.knowledge.release(unit.tx, release);
    if (!known) return { code: 'release-unknown', message: 'approval has not heard of this release' };
    if (known.withdrawn) return { code: 'withdrawn', message: 'this release was withdrawn' };
    const project = await this.knowledge.project(unit.tx, known.release.project);
    const environment = project?.file ? environmentOf(project.file, name) : undefined;
    if (!environment || environment.stage === 'test')
      return { code: 'environment-unknown', message: `the project has no environment ${name} that asks for sign-off` };
    const passage = await this.knowledge.passage(unit.tx, release, through);
    if (!passage) return { code: 'not-passed', message: `this release has not passed ${through}` };
    // Its release was born under that version: an older one, late or put back, may ask for less.
    if (project && project.version < passage.projectVersion)
      return { code: 'not-heard', message: `version ${passage.projectVersion} of the project has not been heard of; it is on its way` };
    const standing = await this.knowledge.standing(unit.tx, known.release.project, name);
    const number = Math.max(known.release.number, standing?.release?.number ?? 0);
    let read = counting;
    return {
      known,
      environment,
      passage,
      standing,
      last: await this.requests.latest(unit.tx, release, name),
      counting: async () => {
        read ??= await this.duties.counting(unit, known.release.project, number);
        return read;
      },
    };
  }

  private async obstacle({ known, standing, last, counting }: Question, by: PersonReference | null): Promise<Reason | null> {
    const { release } = known;
    if (last?.state === 'open') return { code: 'asked-already', message: 'this is being asked already' };
    if (last?.state === 'granted' && !last.grant.used)
      return { code: 'granted-already', message: 'this is granted already; its rollout is about to start' };
    if (by === null && last !== undefined && last.state !== 'voided')
      return { code: 'decided-already', message: `this was ${last.state}; a person may ask anew` };
    // What was voided because it changed was asked after the bar, and then by a person: nothing that is barred is asked otherwise, and a bar leaves nothing open.
    const wasAskedByPerson = last?.state === 'voided' && last.reason?.code === 'changed';
    if (by === null && !wasAskedByPerson && standing?.barred.includes(release.number))
      return { code: 'barred', message: 'this release was rolled back from here; a person may ask anew' };
    const running = standing?.release;
    if (running && running.id === release.id) return { code: 'runs-already', message: 'this release runs there already' };
    if (running && goesBackwards(running, release))
      return { code: 'older', message: `release ${running.number} runs there and is newer; only a rollback goes back` };
    if (running && (await isHeld(running, release, counting))) {
      const message = `release ${running.number} runs there and contains this one; only a rollback goes back, and what comes next on its line may go in`;
      return { code: 'older', message };
    }
    return null;
  }

  private async resolve(unit: UnitOfWork, question: Question): Promise<ApprovalRequest | Reason> {
    const { known, environment, passage, standing, last, counting } = question;
    const project = await this.knowledge.project(unit.tx, known.release.project);
    await this.knowledge.whileStands(unit.tx, environment.target);
    const target = await this.knowledge.target(unit.tx, environment.target);
    if (!project?.file) return { code: 'project-removed', message: 'the project was removed' };
    if (!target?.file) return { code: 'target-unknown', message: `no target is called ${environment.target}: an operator must apply it` };
    const resolved = resolveDeployment({
      project: { version: project.version, file: project.file },
      environment: environment.name,
      release: known.release,
      image: passage.image,
      repositoryFile: passage.repositoryFile,
      target: { version: target.version, file: target.file },
      secretVersions: Object.fromEntries(await this.knowledge.secrets(unit.tx, known.release.project, 'production-rollout')),
    });
    if (!resolved.ok) return resolved.reason;
    const duties = await this.duties.ofChange(unit, known, standing?.release ?? null, await counting());
    if ('code' in duties) return duties;
    const { commits, total, ...whose } = duties;
    const now = unit.now.toISOString();
    const policy = environment.approval;
    return {
      state: 'open',
      id: v7(),
      release: known.release,
      environment: environment.name,
      deployment: resolved.deployment,
      asks: digestOf(resolved.deployment),
      policy,
      ...whose,
      change: { commits, total, ...(await this.since(unit, standing, resolved.deployment)) },
      authors: passage.authors,
      openedAt: now,
      soakUntil: policy.soak === undefined ? null : plus(passage.passedAt, inSeconds(policy.soak)),
      expiresAt: plus(now, inSeconds(policy.expires)),
      provenance: passage.provenance,
      verdict: passage.verdict,
      through: passage.environment,
      previous: previousOf(last),
      signOffs: [],
    };
  }

  /** What runs there, and what of its settings differs; not known where it was not let in by a grant that is still kept. */
  private async since(unit: UnitOfWork, standing: Standing | undefined, deployment: ResolvedDeployment) {
    const running = standing?.release;
    if (!running) return { since: null, settings: null };
    const letIn = await this.requests.latest(unit.tx, running.id, deployment.environment);
    return {
      since: { number: running.number, revision: running.revision, image: standing.image },
      settings: letIn?.state === 'granted' ? settingsChanged(letIn.deployment, deployment) : null,
    };
  }

  private async sayOlder(unit: UnitOfWork, release: Release, environment: string): Promise<void> {
    const running = (await this.knowledge.standing(unit.tx, release.project, environment))?.release;
    if (running)
      unit.publish(ApprovalSuperseded, {
        subject: release.id,
        correlationId: release.id,
        data: { request: v7(), release, environment, by: running, runs: true, unasked: true },
      });
  }

  /** Nothing can be asked as things are; it is said, and asked once the project, the target or the secret changes. */
  private sayUnaskable(unit: UnitOfWork, { known, environment }: Question, reason: Reason): void {
    unit.publish(ApprovalVoided, {
      subject: known.release.id,
      correlationId: known.release.id,
      data: { request: v7(), release: known.release, environment: environment.name, reason, changed: [], unasked: true },
    });
  }
}

async function isHeld(running: Release, release: Release, counting: Question['counting']): Promise<boolean> {
  // Mostly so: then what has an obstacle besides does not have the links read, which are as many as there are releases.
  if (running.line === release.line && release.ref === release.line) return false;
  return grewFrom((await counting()).links, running, release);
}

function previousOf(last: ApprovalRequest | undefined): ApprovalRequest['previous'] {
  if (!last) return null;
  const no = last.signOffs.find((signOff) => signOff.decision === 'reject');
  if (no) return { request: last.id, reason: { code: 'rejected', message: no.comment }, by: no.person };
  const message = `the earlier request was ${last.state}`;
  const why = last.state === 'voided' ? last.reason : undefined;
  return {
    request: last.id,
    reason: why ? { code: why.code, message: `${message}: ${why.message}` } : { code: last.state, message },
    by: null,
  };
}
