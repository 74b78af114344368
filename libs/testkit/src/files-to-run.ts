import type { ProjectFile, TargetFile } from '@slipway/contracts';
import type { z } from 'zod';

/** The `spec` of a project file as people write it. */
export type ProjectSpec = z.input<typeof ProjectFile>['spec'];

/** A Docker host that really is there, on this machine; `ports` is the range its environments take their stable ports from. */
export function aTargetToRun(ports: string, name = 'lab'): z.input<typeof TargetFile> {
  return { apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name }, spec: { docker: { address: '127.0.0.1', ports } } };
}

/**
 * A project whose releases really run, on `lab` and without long waits: through test and an operator's sign-off to production, in `instances` there.
 * `spec` says where it comes from and how its image is called, and replaces whole keys besides.
 */
export function aProjectToRun(
  name: string,
  spec: Partial<ProjectSpec> & Pick<ProjectSpec, 'source' | 'image'>,
  instances?: number,
): z.input<typeof ProjectFile> {
  const where = { target: 'lab', deadline: '120s' } as const;
  const approval = { require: [{ role: 'operator' as const }] };
  return {
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {
      app: { drain: '0s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '15s' } },
      environments: [
        { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200 }] },
        {
          name: 'production',
          stage: 'production',
          after: ['test'],
          ...where,
          ...(instances === undefined ? {} : { app: { instances } }),
          approval,
        },
      ],
      ...spec,
    },
  };
}
