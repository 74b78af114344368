import type { ProjectFile, TargetFile } from '@slipway/contracts';
import type { z } from 'zod';
import { freePorts } from '../parts/ports.ts';
import type { Demo, Names, StageName } from './demo.ts';
import { sellingPoint } from './sample/shop.ts';
import type { SampleSource } from './sample/source.ts';

/** The Docker host as a target. Environments get ports of their own, so none is taken from its range. */
export function targetFile(names: Names, ports: Record<StageName, number>): z.input<typeof TargetFile> {
  const lowest = Math.min(...Object.values(ports));
  const docker = { address: '127.0.0.1', ports: `${lowest}-${lowest + 99}` };
  return { apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name: 'local' }, spec: { docker, namespace: names.installation } };
}

/** The shop: tested, then signed off by tester and operator for pre-release, then by an operator for production. */
export function projectFile(names: Names, source: SampleSource, ports: Record<StageName, number>): z.input<typeof ProjectFile> {
  const environment = (name: StageName) => ({ name, target: 'local', port: ports[name], deadline: '90s' });
  return {
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name: names.project, team: 'demo' },
    spec: {
      source: source.spec,
      build: { docker: { timeout: '3m' } },
      image: { repository: names.repository },
      app: {
        port: 8080,
        instances: 1,
        cpus: 0.25,
        memory: '64Mi',
        drain: '1s',
        stable: '500ms',
        health: { http: '/healthz', every: '500ms', timeout: '1s', grace: '20s' },
      },
      environments: [
        { ...environment('test'), stage: 'test', verify: [{ http: '/', expect: 200, contains: sellingPoint, timeout: '5s' }] },
        {
          ...environment('pre-release'),
          stage: 'pre-release',
          after: ['test'],
          approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
        },
        {
          ...environment('production'),
          stage: 'production',
          after: ['pre-release'],
          app: { instances: 2 },
          strategy: { rolling: { surge: 2 } },
          approval: { require: [{ role: 'operator' }] },
        },
      ],
    },
  };
}

/** A stable port for each environment. */
export async function stablePorts(): Promise<Record<StageName, number>> {
  const [test, preRelease, production] = (await freePorts(3)) as [number, number, number];
  return { test, 'pre-release': preRelease, production };
}

/** Applies target and project as their administrator. */
export async function applyFiles(demo: Demo): Promise<void> {
  const { api } = demo.cast.administrator;
  await api.applyTarget({ params: { name: 'local' }, body: targetFile(demo.names, demo.ports) });
  await api.applyProject({
    params: { name: demo.names.project },
    body: projectFile(demo.names, demo.source, demo.ports),
    query: { reason: 'the demo' },
  });
}
