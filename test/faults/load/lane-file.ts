import type { ApprovalPolicy } from '@slipway/contracts';
import type { ProjectSpec } from '@slipway/testkit';
import type { z } from 'zod';
import type { Repository } from '../../e2e/a-repository.js';

/** Where people are asked in a lane, and what its health checks and verifications look for, so that a commit can fail at each of them. */
const where = { target: 'lab', deadline: '20s' } as const;
export const spec: Partial<ProjectSpec> = {
  app: { drain: '0s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '3s' } },
  environments: [
    { name: 'test', stage: 'test', ...where, verify: [{ http: '/', expect: 200, contains: 'page' }] },
    {
      name: 'production',
      stage: 'production',
      after: ['test'],
      ...where,
      app: { instances: 2, health: { http: '/alive', every: '300ms', timeout: '500ms', grace: '3s' } },
      approval: { require: [{ role: 'operator' }] },
    },
  ],
};

/** What of another project is not as in the lane. */
export interface Otherwise {
  /** Who is asked before production. */
  readonly approval?: z.input<typeof ApprovalPolicy>;
  /** Where everything runs. */
  readonly target?: string;
  /** No instance of its first release comes up in production. */
  readonly unhealthy?: boolean;
}

/** With one test environment more, which it can lose. */
export function specOfAnother({ approval, target = where.target }: Otherwise): Partial<ProjectSpec> {
  const usual = (spec.environments ?? []).map((each) => {
    const there = { ...each, target };
    return there.stage === 'production' && approval ? { ...there, approval } : there;
  });
  return { ...spec, environments: [...usual, { ...where, name: 'extra', stage: 'test', target }] };
}

/** With what the health check of production asks for, where it is to come up there. */
export async function firstPage(repository: Repository, { unhealthy = false }: Otherwise = {}): Promise<void> {
  if (!unhealthy) await repository.write('site/alive', 'yes');
  await repository.commit('page 0');
}
