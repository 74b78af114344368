import {
  App,
  type AppOverride,
  type Environment,
  type ImageReference,
  inSeconds,
  type ProjectFile,
  type Reason,
  type Release,
  type RepositoryFile,
  ResolvedDeployment,
  type TargetFile,
} from '@slipway/contracts';
import { canonicalJson, type Sha256Of } from './canonical.js';
import { environmentOf } from './promotion-path.js';

/** All a deployment is made of; every part by version, so that the same question has the same answer for ever. */
export interface Resolving {
  readonly project: { readonly version: number; readonly file: ProjectFile };
  readonly environment: string;
  readonly release: Release;
  readonly image: ImageReference;
  /** `slipway.yaml` as it stood at the release's revision. */
  readonly repositoryFile: RepositoryFile | null;
  readonly target: { readonly version: number; readonly file: TargetFile };
  /** The version ids of the project's secrets by name, never values; null or missing where there is no such secret. */
  readonly secretVersions: Readonly<Record<string, string | null>>;
}

export type Resolved = { readonly ok: true; readonly deployment: ResolvedDeployment } | { readonly ok: false; readonly reason: Reason };

/** Test environments have no strategy and no policy of their own: they take instances one by one and stay as they are for a look. */
const testDefaults = { strategy: { rolling: { surge: 1 } }, onFailure: 'hold', policy: null } as const;

/**
 * Resolves what an environment would run: nothing is left to look up afterwards. A business no (an environment gone, a secret missing)
 * is a reason with words for people.
 */
export function resolveDeployment(of: Resolving): Resolved {
  const { file } = of.project;
  const environment = environmentOf(file, of.environment);
  if (!environment) return no('environment-unknown', `project ${file.metadata.name} has no environment ${of.environment} (any more)`);
  if (environment.target !== of.target.file.metadata.name)
    return no('target-mismatch', `${environment.name} runs on target ${environment.target}, not on ${of.target.file.metadata.name}`);
  const { app, unlisted } = settingsOf(file, environment, of.repositoryFile);
  if (unlisted.length > 0)
    return no(
      'secret-not-listed',
      `slipway.yaml names secrets the project file does not list: ${unlisted.join(', ')}. Add them to app.secrets of the project file`,
    );
  const missing = app.secrets.filter((name) => !of.secretVersions[name]);
  if (missing.length > 0) {
    const files = missing.map((name) => `${file.metadata.name}/${name}`).join(', ');
    const reader = environment.stage === 'test' ? 'test-deployer' : 'production-rollout';
    return no('secret-missing', `no value for ${files}: put it into SLIPWAY_SECRETS_DIR, in the folder ${reader}, which alone may read it`);
  }
  const { id, number, ref, line, revision } = of.release;
  const decided =
    environment.stage === 'test'
      ? testDefaults
      : {
          strategy: { rolling: { surge: environment.strategy.rolling.surge } },
          onFailure: environment['on-failure'],
          policy: environment.approval,
        };
  const deployment = ResolvedDeployment.parse({
    project: file.metadata.name,
    environment: environment.name,
    stage: environment.stage,
    projectVersion: of.project.version,
    release: { id, number, ref, line, revision },
    image: of.image,
    app: { ...app, secrets: app.secrets.map((name) => ({ name, version: of.secretVersions[name] })) },
    target: {
      name: of.target.file.metadata.name,
      version: of.target.version,
      namespace: of.target.file.spec.namespace,
      port: environment.port ?? null,
      docker: of.target.file.spec.docker,
    },
    deadline: environment.deadline,
    ...decided,
  });
  return { ok: true, deployment };
}

function no(code: string, message: string): Resolved {
  return { ok: false, reason: { code, message } };
}

/**
 * The settings an environment runs with: the project's, then what the repository adds, then what the environment overrides.
 * Of `env` the repository adds names only; its `drain` and `stable` may be longer, never shorter; its secrets must be listed in the project file.
 */
export function settingsOf(
  file: ProjectFile,
  environment: Environment,
  repositoryFile: RepositoryFile | null,
): { app: App; unlisted: string[] } {
  const { app: base } = file.spec;
  const added: Partial<AppOverride> = repositoryFile?.app ?? {};
  const own = environment.app ?? {};
  const listed = own.secrets ?? base.secrets;
  const unlisted = (added.secrets ?? []).filter((name) => !listed.includes(name) && !base.secrets.includes(name));
  const app = App.parse({
    ...base,
    ...withoutUndefined(added),
    drain: longer(base.drain, added.drain),
    stable: longer(base.stable, added.stable),
    ...withoutUndefined(own),
    env: { ...added.env, ...base.env, ...own.env },
    secrets: [...new Set([...listed, ...(added.secrets ?? [])])].filter((name) => !unlisted.includes(name)).sort(),
    health: { ...base.health, ...withoutUndefined(added.health ?? {}), ...withoutUndefined(own.health ?? {}) },
  });
  return { app, unlisted };
}

function longer(one: string, other: string | undefined): string {
  return other !== undefined && inSeconds(other) > inSeconds(one) ? other : one;
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}

/** The deployment as text: equal deployments, equal text (RFC 8785). */
export function canonicalForm(deployment: ResolvedDeployment): string {
  return canonicalJson(ResolvedDeployment.parse(deployment));
}

/** What people sign for: the hash of the deployment's canonical form. */
export function asksOf(deployment: ResolvedDeployment, sha256: Sha256Of): string {
  return sha256(canonicalForm(deployment));
}
