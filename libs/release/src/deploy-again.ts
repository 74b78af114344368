import type { Release } from '@slipway/contracts';

/** How a release gets back into a test environment from which another one drove it out: the same request on the command line and over HTTP. */
export interface DeployAgain {
  readonly environment: string;
  readonly command: string;
  readonly call: { readonly method: 'POST'; readonly path: string; readonly body: { readonly release: string; readonly reason: string } };
}

const reason = 'look at it again';

/** What a person who is asked to sign off types, or a program posts, to have this release in that test environment again. */
export function deployAgain({ id, project, number }: Release, environment: string): DeployAgain {
  return {
    environment,
    command: `slipway environment deploy ${project} ${environment} --release ${project}/${number} --reason "${reason}"`,
    call: { method: 'POST', path: `/api/v1/projects/${project}/environments/${environment}/deploy`, body: { release: id, reason } },
  };
}
