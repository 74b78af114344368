import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApprovalModule } from '@slipway/approval';
import { type Person, PersonChanged, ProjectApplied, ProjectFile, TargetApplied } from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { ImageBuilderModule } from '@slipway/image-builder';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { ProductionRolloutModule } from '@slipway/production-rollout';
import type { Booted } from '@slipway/service-kit';
import { SourceWatcherModule } from '@slipway/source-watcher';
import { TestDeployerModule } from '@slipway/test-deployer';
import { aPerson, aTargetFile, realParts } from '@slipway/testkit';
import { aStage, type Stage, type StageOptions } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import type { z } from 'zod';
import { author, Repository } from './a-repository.js';

export { author, Repository };

/** People of every suite under test. */
export const tester = aPerson({ name: 'Tess Tester', roles: [{ role: 'tester', project: '*' }] });
export const operator = aPerson({ name: 'Otto Operator', roles: [{ role: 'operator', project: '*' }] });

/** Everything between a commit and production, booted for real, but for the gateway, whose voice is spoken for. */
export interface Suite {
  readonly stage: Stage;
  /** The services, in this process. */
  readonly services: readonly Booted[];
  readonly project: string;
  readonly repository: Repository;
  /** Applies the project file; `spec` replaces whole keys of it. */
  apply(spec?: Partial<z.input<typeof ProjectFile>['spec']>): Promise<void>;
  clear(): Promise<void>;
}

export interface SuiteOptions extends StageOptions {
  /** Stable ports of this suite, both ends included: suites that run side by side must not share them. */
  readonly ports: string;
  /** Instead of the stage's own, for every service: a proxy in front of a part, say. */
  readonly settings?: (stage: Stage) => Record<string, string>;
  readonly registry?: string;
}

export async function aSuite({ ports, settings = () => ({}), registry = realParts().registry, ...options }: SuiteOptions): Promise<Suite> {
  const project = `e2e-${v7().slice(-8)}`;
  const installation = `test-${v7().slice(-8)}`;
  const repository = await Repository.make();
  const stage = await aStage(options);
  const environment = { SLIPWAY_SOURCE_FILE_FOLDERS: tmpdir(), SLIPWAY_INSTALLATION: installation, ...settings(stage) };
  const modules = [SourceWatcherModule, ImageBuilderModule, TestDeployerModule, ApprovalModule, ProductionRolloutModule];
  const services = await Promise.all(modules.map((module) => stage.start(module, environment)));
  await Promise.all([tester, operator, author].map((person) => introduce(stage, person)));
  const file = aTargetFile({ spec: { docker: { ports } } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file, by: operator } });
  let version = 0;
  return {
    stage,
    services,
    project,
    repository,
    apply: async (spec = {}) => {
      version += 1;
      const data = { project, version, file: aProject(project, repository.url, `${registry}/${project}`, spec), by: operator, reason: '' };
      await stage.say('gateway', ProjectApplied, { subject: project, data });
    },
    clear: async () => {
      const engine = DockerEngine.connect(realParts().dockerHost);
      const orchestrator = new DockerOrchestrator({ engine, dataDir: join(stage.keys.dir, 'targets', 'lab'), installation });
      await stage.clear();
      const places = await orchestrator.environments();
      await Promise.all(places.map((place) => orchestrator.remove(place, { signal: AbortSignal.timeout(60_000), epoch: 1 })));
      for (const image of await engine.images.list({ labels: { 'dev.slipway.project': project } }))
        await engine.images.remove(image.id, { force: true });
      await repository.remove();
    },
  };
}

async function introduce(stage: Stage, person: Person): Promise<void> {
  await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
}

function aProject(name: string, url: string, repository: string, spec: Partial<z.input<typeof ProjectFile>['spec']>): ProjectFile {
  const where = { target: 'lab', deadline: '60s' } as const;
  return ProjectFile.parse({
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {
      source: { git: { url, poll: '1s' } },
      image: { repository },
      app: { drain: '1s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '3s' } },
      environments: [
        {
          name: 'test',
          stage: 'test',
          ...where,
          verify: [
            { http: '/', expect: 200 },
            { http: '/', contains: 'o' },
          ],
        },
        {
          name: 'pre-release',
          stage: 'pre-release',
          after: ['test'],
          ...where,
          approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
        },
        {
          name: 'production',
          stage: 'production',
          after: ['pre-release'],
          ...where,
          app: { instances: 2 },
          approval: { require: [{ role: 'operator' }] },
        },
      ],
      ...spec,
    },
  });
}

/** Environments that let everything in by policy: for what is not about sign-off. */
export const byPolicy = [
  { name: 'test', stage: 'test', target: 'lab', deadline: '60s', verify: [{ http: '/', expect: 200 }] },
  { name: 'production', stage: 'production', after: ['test'], target: 'lab', deadline: '60s', app: { instances: 2 } },
] satisfies z.input<typeof ProjectFile>['spec']['environments'];
