import { Injectable } from '@nestjs/common';
import type { ProjectFile, Reason, RepositoryFile, ResolvedDeployment, TargetFile, VerifyStep } from '@slipway/contracts';
import type { Claim } from '@slipway/operations';
import { environmentOf, resolveDeployment } from '@slipway/release';
import type { Place, TestDeployment } from './domain/test-environment.js';
import { Applied, Proofs, Secrets } from './ports.js';

/** All a deployment is resolved from, as it stood a moment ago. */
export interface Ingredients {
  readonly project: { readonly version: number; readonly file: ProjectFile };
  readonly target: { readonly version: number; readonly file: TargetFile };
  readonly secretVersions: Readonly<Record<string, string | null>>;
}

export type Resolution =
  | { readonly ok: true; readonly resolved: ResolvedDeployment; readonly checks: readonly VerifyStep[]; readonly place: Place }
  | { readonly ok: false; readonly reason: Reason };

/** Finds out what a deployment would run, with this service's own view of secrets. */
@Injectable()
export class Resolving {
  constructor(
    private readonly applied: Applied,
    private readonly secrets: Secrets,
    private readonly proofs: Proofs,
  ) {}

  /** What it is resolved from; `gone` where the environment is no more, `waitsFor` where the target has not been heard of. */
  async gather(claim: Claim<unknown>, deployment: TestDeployment): Promise<Ingredients | { gone: Reason } | { waitsFor: string }> {
    const { project: name, environment: environmentName, repositoryFile } = deployment;
    const found = await claim.read(async (tx) => {
      const project = await this.applied.project(tx, name);
      const environment = project?.file && environmentOf(project.file, environmentName);
      return { project, environment, target: environment && (await this.applied.target(tx, environment.target)) };
    });
    const { project, environment, target } = found;
    if (!project?.file) return { gone: { code: 'project-removed', message: `project ${name} was removed` } };
    if (environment?.stage !== 'test')
      return { gone: { code: 'environment-removed', message: `project ${name} has no test environment ${environmentName} any more` } };
    if (!target?.file) return { waitsFor: `target ${environment.target} is not known here: apply it` };
    const versions = await this.secrets.versions(name, secretsOf(project.file, environment.name, repositoryFile));
    return {
      project: { version: project.version, file: project.file },
      target: { version: target.version, file: target.file },
      secretVersions: Object.fromEntries(versions.map((secret) => [secret.name, secret.version])),
    };
  }

  /** What is to run, proven right before: by image-builder's key that it made this image. */
  resolve(deployment: TestDeployment, ingredients: Ingredients): Resolution {
    const { release, image, environment, repositoryFile } = deployment;
    const unproven = this.unproven(deployment);
    if (unproven) return { ok: false, reason: unproven };
    const resolved = resolveDeployment({ ...ingredients, environment, release, image, repositoryFile });
    if (!resolved.ok) return resolved;
    const { project, target } = ingredients;
    const own = environmentOf(project.file, environment);
    return {
      ok: true,
      resolved: resolved.deployment,
      checks: [...(own?.stage === 'test' ? own.verify : []), ...(repositoryFile?.verify ?? [])],
      place: { namespace: resolved.deployment.target.namespace, file: target.file },
    };
  }

  unproven({ provenance, builtAt, image }: TestDeployment): Reason | undefined {
    const proven = this.proofs.provenance(provenance, image.digest, new Date(builtAt));
    return proven.ok ? undefined : { code: 'provenance-not-good', message: proven.reason };
  }
}

function secretsOf({ spec }: ProjectFile, environment: string, repositoryFile: RepositoryFile | null): string[] {
  const own = spec.environments.find(({ name }) => name === environment);
  return [...new Set([spec.app, own?.app, repositoryFile?.app].flatMap((app) => app?.secrets ?? []))].sort();
}
