import type { ProjectFile, TargetFile } from '@slipway/contracts';
import type { z } from 'zod';

export type FullSpec = z.input<typeof ProjectFile>['spec'];
export type Spec = Partial<FullSpec>;

/** Where everything runs: one Docker host. */
export function aTarget(name: string, ports: string): z.input<typeof TargetFile> {
  return { apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name }, spec: { docker: { address: '127.0.0.1', ports } } };
}

/** Through test and an operator's sign-off to production; `spec` replaces whole keys. */
export function aProject(name: string, repository: string, spec: Spec & Pick<FullSpec, 'source'>): z.input<typeof ProjectFile> {
  const where = { target: 'lab', deadline: '120s' } as const;
  return {
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {
      image: { repository },
      app: { drain: '0s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '15s' } },
      environments: [
        { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }] },
        {
          name: 'production',
          stage: 'production',
          after: ['test'],
          ...where,
          app: { instances: 2 },
          approval: { require: [{ role: 'operator' }] },
        },
      ],
      ...spec,
    },
  };
}
