import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, ApiError } from '@slipway/api';
import {
  ApprovalRequested,
  CommitDetected,
  type DataOf,
  DeploymentSucceeded,
  EnvironmentRemoved,
  type EventDefinition,
  ProjectApplied,
  type Release,
  RolloutSucceeded,
  SignOffPosted,
} from '@slipway/contracts';
import { findCommand } from '../../../tools/parts/processes.ts';
import { until } from '../../../tools/parts/until.ts';
import type { Repository } from '../../e2e/a-repository.js';
import type { LoadLog } from '../../history/load-log.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';
import { Forge, send } from './forge.ts';
import { Gateways } from './gateways.ts';
import { firstPage, type Otherwise, spec, specOfAnother } from './lane-file.ts';

const ref = 'refs/heads/main';
/** Who signs in lanes. */
export const operatorsName = 'Olga Operator';

/** How long a release may take to its next step where something crashed on the way, in ms. */
export const stepMs = 120_000;

export type AboutRelease = EventDefinition & { data: { _output: { release: Release } } };

/** A project of its own, in which people take one release after the other as far as it is to go. */
export class Lane {
  private commits = 0;

  private constructor(
    readonly suite: SuiteOfProcesses,
    readonly operator: Gateways,
    readonly project: string,
    readonly repository: Repository,
    private readonly forge: Forge,
    private readonly log: LoadLog,
  ) {}

  /** With its first release, which comes with the first commit, live. */
  static async open(suite: SuiteOfProcesses, operator: Gateways, log: LoadLog): Promise<Lane> {
    let forge: Forge | undefined;
    const prepare = async (repository: Repository, project: string) => {
      await firstPage(repository);
      forge = await Forge.of(suite, 'generic', project);
      return { webhook: forge.provider };
    };
    const { name, repository } = await suite.newProject(spec, prepare);
    const lane = new Lane(suite, operator, name, repository, forge as unknown as Forge, log);
    await lane.goesLive((await lane.hears(CommitDetected, (data) => data.release.project === name)).release.id);
    return lane;
  }

  /** Who may change everything. */
  get administrator(): Gateways {
    return new Gateways(this.urls, this.suite.administratorToken);
  }

  /** Of the gateways. */
  get urls(): string[] {
    return this.suite.replicas.flatMap(({ service, url }) => (service === 'gateway' ? [url] : []));
  }

  /** Another project, with one test environment more, whose first release is on its way; who is asked there, and where it runs, where that is not as usual. */
  async opens(otherwise: Otherwise = {}): Promise<string> {
    return (await this.suite.newProject(specOfAnother(otherwise), (repository) => firstPage(repository, otherwise))).name;
  }

  /** One whose first release is asked for. */
  async another(otherwise?: Otherwise): Promise<string> {
    const name = await this.opens(otherwise);
    await this.hears(ApprovalRequested, (data) => data.release.project === name);
    await this.hears(DeploymentSucceeded, (data) => data.release.project === name && data.environment === 'extra');
    return name;
  }

  /** Removes a project, and waits until nothing is left of these test environments of it. */
  async removes(project: string, environments: readonly string[]): Promise<void> {
    const removed = this.hears(ProjectApplied, (data) => data.project === project && data.file === null);
    await this.administrator.insist('removing', (api) => api.removeProject({ params: { name: project } }), removed);
    for (const name of environments) await this.hears(EnvironmentRemoved, (data) => data.project === project && data.environment === name);
  }

  /** The file of such a project without what it has more. */
  fileOf(project: string): ReturnType<SuiteOfProcesses['fileOf']> {
    return this.suite.fileOf(project, spec);
  }

  /** A target like the one everything runs on. */
  targetOf(name: string): ReturnType<SuiteOfProcesses['targetOf']> {
    return this.suite.targetOf(name);
  }

  get #dockerfile(): string {
    return join(this.repository.dir, 'Dockerfile');
  }

  /** Commits something new, and gives the id of its release once it is born. `page` is what its home page says. */
  async commit(page?: string): Promise<string> {
    return await this.born(await this.push(page));
  }

  /** Gives the revision. */
  async push(page?: string): Promise<string> {
    this.commits += 1;
    const revision = await this.repository.commit(page ?? `page ${this.commits}`);
    this.log.pushed({ project: this.project, ref, revision });
    return revision;
  }

  async born(revision: string): Promise<string> {
    const { release } = await this.hears(
      CommitDetected,
      (data) => data.release.project === this.project && data.release.revision === revision,
    );
    return release.id;
  }

  /** Its forge tells a gateway of the push, again until that takes it. */
  async told(revision: string): Promise<void> {
    const { urls } = this;
    let turn = 0;
    const taken = async () => {
      const delivery = this.forge.delivery(revision);
      const asked = new Date().toISOString();
      const status = await send(urls[turn++ % urls.length] as string, delivery);
      this.log.delivered({ asked, project: this.project, delivery: delivery.id, ref, revision, status });
      return status >= 200 && status < 300;
    };
    await until(`a delivery of ${revision} is taken`, taken, { within: stepMs, every: 300 });
  }

  /** @throws Error telling what was waited for, and what was said instead. */
  hears<E extends EventDefinition>(event: E, fits: (data: DataOf<E>) => boolean): Promise<DataOf<E>> {
    return this.suite.ear.hears(event, fits, stepMs).catch((error: unknown) => {
      const said = this.suite.ear.once().filter(({ value }) => String(value).includes(this.project));
      const last = said.slice(-6).map(({ headers }) => headers['ce_type']?.replace(/^slipway\.|\.v\d+$/g, ''));
      throw new Error(`${this.project} waited ${stepMs / 1000} s for ${event.name}; last of it was said: ${last.join(', ')}`, {
        cause: error,
      });
    });
  }

  /** The event about this release. */
  of<E extends AboutRelease>(event: E, release: string): Promise<DataOf<E>> {
    return this.hears(event, (data) => (data as { release: { id: string } }).release.id === release);
  }

  /** The request for its sign-off, but for those that were answered before. */
  asked(release: string, not: readonly string[] = []): Promise<DataOf<typeof ApprovalRequested>> {
    return this.hears(ApprovalRequested, (data) => data.release.id === release && !not.includes(data.request));
  }

  async signs(request: string, decision: 'approve' | 'reject', comment?: string): Promise<void> {
    const sign = { params: { id: request }, body: { decision, ...(comment !== undefined && { comment }) } };
    const posted = this.hears(SignOffPosted, (data) => data.request === request);
    const keep = { request, person: operatorsName, decision } as const;
    const ask = (api: ApiClient) => {
      const asked = new Date().toISOString();
      const told = (status: number, answer: string) => this.log.signedOff({ ...keep, asked, status, answer });
      return api.signOff(sign).then(
        (answer) => told(200, JSON.stringify(answer)),
        (error: unknown) => {
          told(error instanceof ApiError ? error.problem.status : 0, String(error));
          throw error;
        },
      );
    };
    await this.operator.insist(`a sign-off for ${request}`, ask, posted);
  }

  /** Through test, a sign-off and production. */
  async goesLive(release: string, not: readonly string[] = []): Promise<void> {
    const { request } = await this.asked(release, not);
    await this.signs(request, 'approve');
    await this.of(RolloutSucceeded, release);
  }

  /** Builds the next commits by another Dockerfile until `tell` is over. */
  async builtBy(dockerfile: string, tell: () => Promise<void>): Promise<void> {
    const usual = await readFile(this.#dockerfile, 'utf8');
    await this.repository.write('Dockerfile', dockerfile);
    await tell();
    await this.repository.write('Dockerfile', usual);
  }

  /** The usual Dockerfile with a step that takes so long. */
  async slowly(seconds: number): Promise<string> {
    await cp(findCommand('busybox') ?? '/bin/busybox', join(this.repository.dir, 'busybox'));
    const step = `COPY busybox /busybox\nRUN ["/busybox", "sleep", "${seconds}"]`;
    return (await readFile(this.#dockerfile, 'utf8')).replace('COPY site /site', `${step}\nCOPY site /site`);
  }

  /** Without a file that production's health check asks for, every instance fails it. */
  async unhealthy(tell: () => Promise<void>): Promise<void> {
    await rm(join(this.repository.dir, 'site/alive'));
    await tell();
    await this.repository.write('site/alive', 'yes');
  }

  /** Somebody removes an instance of production by hand; waits until there are as many as before. */
  async losesAnInstance(): Promise<void> {
    const { engine, installation } = this.suite;
    const of = { 'dev.slipway.installation': installation, 'dev.slipway.project': this.project };
    const labels = { ...of, 'dev.slipway.environment': 'production', 'dev.slipway.role': 'instance' };
    const running = async () => (await engine.containers.list({ labels })).filter(({ status }) => status === 'running').map(({ id }) => id);
    const before = await running();
    const [lost = ''] = before;
    await engine.containers.remove(lost, { force: true });
    const isWhole = async () => {
      const now = await running();
      return now.length === before.length && !now.includes(lost);
    };
    await until(`${this.project} is whole again`, isWhole, { within: stepMs, every: 250 });
  }
}
