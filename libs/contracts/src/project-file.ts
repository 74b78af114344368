import { z } from 'zod';
import { App, AppOverride, SecretName } from './app-settings.js';
import { WrittenDuration } from './duration.js';
import { projectLimits, repositoryLimits, within } from './file-limits.js';
import { Name, Role } from './nouns.js';

/** A key of the design that no service acts on yet: refused by name, never ignored. */
const later = (what: string) => z.undefined({ error: `${what} is not supported yet: remove it` }).optional();

const Pattern = z.string().min(1).max(200);
export const webhookProviders = ['github', 'gitea', 'generic'] as const;
const Webhook = z.union([z.enum(webhookProviders), z.strictObject({ provider: z.enum(webhookProviders), secret: SecretName })]);

/** Only what means a repository and nothing else gets as far as source-watcher, which looks at it again. */
function sourceUrl(schemes: readonly string[]) {
  const scheme = new RegExp(`^(${schemes.map((name) => name.replace('+', '\\+')).join('|')})://[^-]`);
  return z
    .string()
    .max(1000)
    .refine((url) => scheme.test(url) || (schemes.includes('ssh') && /^[\w.+-]+@[\w.-]+:[^:-]/.test(url) && !url.startsWith('-')), {
      error: `write a url that starts with ${schemes.map((name) => `${name}://`).join(', ')}`,
    })
    .refine((url) => !/^[a-z+]+:\/\/[^/@]*:[^/@]*@/.test(url), {
      error: 'keep the password out of the url: put it into a secret and name that under credentials',
    });
}

const GitSource = z.strictObject({
  url: sourceUrl(['https', 'http', 'ssh', 'git', 'file']),
  branches: z.array(Pattern).min(1).max(50).default(['main']),
  tags: z.array(Pattern).max(50).default([]),
  paths: z.array(Pattern).max(100).default([]),
  poll: WrittenDuration.default('60s'),
  webhook: Webhook.optional(),
  credentials: SecretName.optional(),
  submodules: z.boolean().default(false),
  lfs: z.boolean().default(false),
});

const SvnSource = z.strictObject({
  url: sourceUrl(['https', 'http', 'svn', 'svn+ssh', 'file']),
  /** Paths below the url; `branches/*` stands for every folder there. */
  branches: z.array(Pattern).min(1).max(50).default(['trunk']),
  tags: z.array(Pattern).max(50).default([]),
  paths: z.array(Pattern).max(100).default([]),
  poll: WrittenDuration.default('60s'),
  username: z.string().max(200).optional(),
  credentials: SecretName.optional(),
});

const Source = z
  .strictObject({ git: GitSource.optional(), svn: SvnSource.optional(), image: later('source.image') })
  .refine((source) => (source.git === undefined) !== (source.svn === undefined), { error: 'give exactly one of git and svn' });

const dockerBuildShape = {
  context: z.string().min(1).max(400),
  dockerfile: z.string().min(1).max(400),
  target: z.string().max(200),
  args: z.record(z.string(), z.string().max(4000)),
  timeout: WrittenDuration,
};
export const DockerBuild = z.strictObject({
  context: dockerBuildShape.context.default('.'),
  dockerfile: dockerBuildShape.dockerfile.default('Dockerfile'),
  target: dockerBuildShape.target.optional(),
  args: dockerBuildShape.args.default({}),
  timeout: dockerBuildShape.timeout.default('30m'),
});
export type DockerBuild = z.infer<typeof DockerBuild>;

/** By digest, because a tag may be another image tomorrow (design part 4, promise 5). */
const PinnedImage = z
  .string()
  .max(500)
  .regex(/^[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}$/i, 'name the image by its digest: repository@sha256: and 64 hex digits');

const Build = z.strictObject({
  docker: DockerBuild.prefault({}),
  jenkins: later('build.jenkins'),
  hudson: later('build.hudson'),
  supersede: z.enum(['never', 'queued', 'running']).default('queued'),
});

export const VerifyStep = z.union([
  z.strictObject({
    http: z.string().startsWith('/'),
    expect: z.int().min(100).max(599).default(200),
    contains: z.string().max(1000).optional(),
    timeout: WrittenDuration.default('10s'),
  }),
  z.strictObject({
    run: z.array(z.string().min(1)).min(1).max(100),
    /** What the check runs in; the release's own image when absent. */
    image: PinnedImage.optional(),
    timeout: WrittenDuration.default('5m'),
    junit: z.string().startsWith('/').optional(),
  }),
]);
export type VerifyStep = z.infer<typeof VerifyStep>;

export const Requirement = z.strictObject({ role: Role, count: z.int().min(1).max(20).default(1) });
export type Requirement = z.infer<typeof Requirement>;

/** Who must say yes before a release enters an environment; no `require` means it is granted by policy. */
export const ApprovalPolicy = z.strictObject({
  require: z.array(Requirement).max(20).default([]),
  /** One person fills one requirement only. */
  distinct: z.boolean().default(true),
  expires: WrittenDuration.default('7d'),
  soak: WrittenDuration.optional(),
  supersede: z.enum(['on-grant', 'on-request', 'never']).default('on-grant'),
  /** `key` asks for a signature by the person's own registered key. */
  proof: z.enum(['any', 'key']).default('any'),
  /** Separation of duties: nobody counts towards the sign-off of their own change. */
  duties: z.enum(['separate', 'off']).default('separate'),
  freeze: later('approval.freeze'),
});
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

/** The design also calls one-shot containers `after`; those are objects. */
const EarlierEnvironment = z
  .string({
    error: ({ input }) => (typeof input === 'object' ? 'a one-shot container after a rollout is not supported yet: remove it' : undefined),
  })
  .pipe(Name);

const environmentShape = {
  name: Name,
  target: Name,
  after: z.array(EarlierEnvironment).max(20).default([]),
  accepts: z.strictObject({ branches: z.array(Pattern).max(50).default([]), tags: z.array(Pattern).max(50).default([]) }).optional(),
  app: AppOverride.optional(),
  /** The stable port on the target's address; one of the target's range when absent. */
  port: z.int().min(1).max(65_535).optional(),
  deadline: WrittenDuration.default('600s'),
  before: later('before'),
  afterwards: later('afterwards'),
  jobs: later('jobs'),
};

const TestEnvironment = z.strictObject({
  ...environmentShape,
  stage: z.literal('test'),
  occupancy: z.enum(['newest', 'until-decided']).default('newest'),
  ephemeral: z.literal(false, { error: 'ephemeral environments are not supported yet: remove it' }).default(false),
  verify: z.array(VerifyStep).max(50).default([]),
  approval: later('approval of a test environment'),
});
export type TestEnvironment = z.infer<typeof TestEnvironment>;

const DeliveryEnvironment = z.strictObject({
  ...environmentShape,
  stage: z.enum(['pre-release', 'production']),
  approval: ApprovalPolicy.prefault({}),
  strategy: z
    .strictObject({
      rolling: z.strictObject({ surge: z.int().min(1).max(100).default(1) }).prefault({}),
      canary: later('strategy.canary'),
      'blue-green': later('strategy.blue-green'),
    })
    .prefault({}),
  'on-failure': z.enum(['rollback', 'hold']).default('rollback'),
  start: z.literal('automatic', { error: 'start: manual is not supported yet: remove it' }).default('automatic'),
});
export type DeliveryEnvironment = z.infer<typeof DeliveryEnvironment>;

export const Environment = z.discriminatedUnion('stage', [TestEnvironment, DeliveryEnvironment]);
export type Environment = z.infer<typeof Environment>;

/** A project file in force: what it was when it was applied, perhaps by an earlier version that took more. */
export const AppliedProjectFile = z
  .strictObject({
    apiVersion: z.literal('slipway.dev/v1'),
    kind: z.literal('Project'),
    metadata: z.strictObject({ name: Name, team: Name.optional(), description: z.string().max(1000).optional() }),
    spec: z.strictObject({
      source: Source,
      build: Build.prefault({}),
      image: z.strictObject({
        repository: z
          .string()
          .regex(/^[a-z0-9._:/-]+$/i, 'not a repository, expected registry:port/path')
          .max(400),
      }),
      gates: later('gates'),
      app: App.prefault({}),
      apps: later('apps'),
      environments: z.array(Environment).min(1).max(30),
    }),
  })
  .superRefine(checkEnvironments);

/** The project file (design part 5), as the project's administrators apply it; versioned. */
export const ProjectFile = AppliedProjectFile.superRefine(within(projectLimits));
export type ProjectFile = z.infer<typeof ProjectFile>;

function checkEnvironments(
  file: { spec: { environments: { name: string; after: string[]; stage: string }[] } },
  context: z.RefinementCtx,
): void {
  const seen = new Map<string, string>();
  for (const [index, environment] of file.spec.environments.entries()) {
    const path = ['spec', 'environments', index];
    if (seen.has(environment.name))
      context.addIssue({ code: 'custom', path: [...path, 'name'], message: `two environments are called ${environment.name}` });
    for (const [at, earlier] of environment.after.entries()) {
      const stage = seen.get(earlier);
      if (stage === undefined)
        context.addIssue({
          code: 'custom',
          path: [...path, 'after', at],
          message: `name an environment that stands further up; ${earlier} does not`,
        });
      // A test environment is opened by what passed in test; nobody opens one after a rollout, and a release would wait there for ever.
      else if (environment.stage === 'test' && stage !== 'test')
        context.addIssue({
          code: 'custom',
          path: [...path, 'after', at],
          message: `a test environment after ${earlier}, which is of stage ${stage}, is not supported yet: let it follow test environments only`,
        });
    }
    if (environment.stage !== 'test' && environment.after.length === 0) {
      context.addIssue({
        code: 'custom',
        path: [...path, 'after'],
        message: `say which environment a release must pass before ${environment.name}`,
      });
    }
    seen.set(environment.name, environment.stage);
  }
}

/** `slipway.yaml` as it was pinned when a release was born, perhaps by an earlier version that took more. */
export const PinnedRepositoryFile = z.strictObject({
  apiVersion: z.literal('slipway.dev/v1'),
  kind: z.literal('Repository'),
  build: z.strictObject({ docker: z.strictObject(dockerBuildShape).partial() }).optional(),
  app: AppOverride.omit({ instances: true }).optional(),
  verify: z.array(VerifyStep).max(50).default([]),
});

/** `slipway.yaml` in the repository: what developers own. It adds to the project file and never loosens it. */
export const RepositoryFile = PinnedRepositoryFile.superRefine(within(repositoryLimits));
export type RepositoryFile = z.infer<typeof RepositoryFile>;
