import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApprovalRequested,
  BuildStarted,
  type DataOf,
  DeploymentStarted,
  DeploymentSucceeded,
  type EventDefinition,
  ImageBuilt,
  type ProjectFile,
  type Release,
  RolloutStarted,
  RolloutSucceeded,
  VerificationPassed,
} from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import type { z } from 'zod';
import { findCommand } from '../../tools/parts/processes.ts';
import type { Repository } from '../e2e/a-repository.js';
import type { SuiteOfProcesses } from './a-suite-of-processes.js';
import type { PartsToTakeAway } from './parts-to-take-away.js';

export type OfRelease = EventDefinition & { data: { _output: { release: Release } } };

/** A project whose next release is brought to one point of its way, with what it takes to get it there. */
export interface Way {
  readonly suite: SuiteOfProcesses;
  readonly taking: PartsToTakeAway;
  readonly project: string;
  /** Commits the next release. */
  commit(): Promise<void>;
  hears<E extends OfRelease>(event: E, within?: number): Promise<DataOf<E>>;
}

/** One point of a release's way at which a part goes away. */
export interface Point {
  readonly name: string;
  /** Of the project: long enough at this point for the others to get to theirs. */
  readonly environments: Environments;
  readonly repository?: (repository: Repository) => Promise<void>;
  /** True where an operator is asked: the release waits there for `reach` or `meanwhile`. */
  readonly asks?: boolean;
  /** Brings it there, `turn` by turn: the sooner it would be over by itself, the later. */
  readonly reach?: { readonly turn: 1 | 2 | 3; go(way: Way): Promise<unknown> };
  /** What it has not said yet at this point. */
  readonly before?: OfRelease;
  /** What happens there once the part is away. */
  meanwhile?(way: Way): Promise<unknown>;
}

type Environments = z.input<typeof ProjectFile>['spec']['environments'];
type Test = Extract<NonNullable<Environments>[number], { stage: 'test' }>;
type Delivery = Exclude<NonNullable<Environments>[number], { stage: 'test' }>;

const where = { target: 'lab', deadline: '120s' } as const;
function environments(test: Partial<Test> = {}, production: Partial<Delivery> = {}): Environments {
  return [
    { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }], ...test },
    { name: 'production', stage: 'production', after: ['test'], ...where, ...production },
  ];
}

/** An image with busybox in it, and steps that are done anew for each commit. */
function imageWith(...steps: string[][]): (repository: Repository) => Promise<void> {
  return async (repository) => {
    await cp(findCommand('busybox') ?? '/bin/busybox', join(repository.dir, 'busybox'));
    const copies = 'FROM scratch\nCOPY server /server\nCOPY busybox /busybox\nCOPY site /site';
    const serve = 'ENTRYPOINT ["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]';
    await repository.write('Dockerfile', [copies, ...steps.map((words) => `RUN ${JSON.stringify(words)}`), serve, ''].join('\n'));
    await repository.commit('one');
  };
}

const signedOff: Partial<Delivery> = { approval: { require: [{ role: 'operator' }] } };
/** The operator says yes, and again until it is known that it was taken. */
export const signs = async (way: Way) => way.suite.signOff((await way.hears(ApprovalRequested)).request, 180_000);

/** Every point of the list. */
export const points: readonly Point[] = [
  { name: 'a commit is not seen yet', environments: environments(), meanwhile: (way) => way.commit() },
  {
    name: 'an image is built',
    environments: environments(),
    repository: imageWith(['/busybox', 'sleep', '30']),
    reach: { turn: 3, go: (way) => way.commit().then(() => way.hears(BuildStarted)) },
    before: ImageBuilt,
  },
  {
    name: 'an image is pushed',
    environments: environments(),
    repository: imageWith(['/busybox', 'dd', 'if=/dev/urandom', 'of=/ballast', 'bs=1M', 'count=32']),
    reach: { turn: 3, go: (way) => Promise.all([way.taking.pushTo(way.project), way.commit()]) },
    before: ImageBuilt,
  },
  {
    name: 'a test environment changes',
    environments: environments({ app: { stable: '45s' } }),
    reach: { turn: 1, go: (way) => way.commit().then(() => way.hears(DeploymentStarted)) },
    before: DeploymentSucceeded,
  },
  {
    name: 'a release is verified',
    environments: environments({ verify: [{ run: ['/busybox', 'sleep', '45'] }, { http: '/', expect: 200 }] }),
    repository: imageWith(),
    reach: { turn: 1, go: (way) => way.commit().then(() => way.hears(DeploymentSucceeded)) },
    before: VerificationPassed,
  },
  { name: 'a person signs', environments: environments({}, signedOff), asks: true, meanwhile: signs },
  {
    name: 'a release is rolled out',
    environments: environments({}, { ...signedOff, app: { stable: '30s' } }),
    asks: true,
    reach: { turn: 2, go: (way) => signs(way).then(() => way.hears(RolloutStarted)) },
    before: RolloutSucceeded,
  },
  {
    name: 'a rollout wants an image that is not there',
    environments: environments({}, signedOff),
    asks: true,
    meanwhile: (way) => losesItsImage(way).then(() => signs(way)),
  },
  { name: 'an instance is gone', environments: environments({}, { app: { instances: 2 } }), meanwhile: losesAnInstance },
];

/** As on a host that never had it: the rollout has to pull it. */
async function losesItsImage(way: Way): Promise<void> {
  const { repository, digest } = (await way.hears(ImageBuilt)).image;
  await way.suite.engine.images.remove(`${repository}@${digest}`, { force: true });
}

/** Of production; and is whole again when it has as many as before. */
async function losesAnInstance({ suite: { engine, installation }, project }: Way): Promise<void> {
  const of = { 'dev.slipway.installation': installation, 'dev.slipway.project': project };
  const labels = { ...of, 'dev.slipway.environment': 'production', 'dev.slipway.role': 'instance' };
  const running = async () => (await engine.containers.list({ labels })).filter(({ status }) => status === 'running').map(({ id }) => id);
  const before = await running();
  const [lost = ''] = before;
  await engine.containers.remove(lost, { force: true });
  await eventually(
    async () => {
      const now = await running();
      return now.length === before.length && !now.includes(lost);
    },
    { within: 180_000, every: 500 },
  );
}
