import { z } from 'zod';
import { Health, SecretName } from './app-settings.js';
import { MemorySize, WrittenDuration } from './duration.js';
import { Id, ImageReference, Name, Ref, Revision, Sha256 } from './nouns.js';
import { ApprovalPolicy } from './project-file.js';
import { DockerTarget } from './target-file.js';

/**
 * Everything that is about to run, with nothing left to look up: resolved once, signed as it stands, deployed as it stands (design part 4,
 * promise 2). Secrets appear by version id, never by value.
 */
export const ResolvedDeployment = z.strictObject({
  project: Name,
  environment: Name,
  stage: z.enum(['test', 'pre-release', 'production']),
  projectVersion: z.int().positive(),
  release: z.strictObject({ id: Id, number: z.int().positive(), ref: Ref, line: z.string(), revision: Revision }),
  image: ImageReference,
  app: z.strictObject({
    port: z.int(),
    instances: z.int().nonnegative(),
    cpus: z.number(),
    memory: MemorySize,
    env: z.record(z.string(), z.string()),
    secrets: z.array(z.strictObject({ name: SecretName, version: z.string().max(100) })),
    drain: WrittenDuration,
    stable: WrittenDuration,
    health: Health,
  }),
  target: z.strictObject({
    name: Name,
    version: z.int().positive(),
    namespace: Name,
    port: z.int().nullable(),
    /** Where exactly, as the target's file of that version says; absent only in what was signed before deployments carried it. */
    docker: DockerTarget.optional(),
  }),
  policy: ApprovalPolicy.nullable(),
  strategy: z.strictObject({ rolling: z.strictObject({ surge: z.int() }) }),
  deadline: WrittenDuration,
  onFailure: z.enum(['rollback', 'hold']),
});
export type ResolvedDeployment = z.infer<typeof ResolvedDeployment>;

/** What a test environment's checks found good, canonical JSON inside a DSSE envelope of test-deployer; only a yes is ever sealed. */
export const VerdictStatement = z.strictObject({
  outcome: z.literal('passed'),
  release: Id,
  environment: Name,
  /** The one deployment that was checked. */
  deployment: Id,
  image: ImageReference,
  /** SHA-256 of the canonical form of what ran there, settings and all. */
  ran: Sha256,
  /** When test-deployer heard of the image, by its database: as of then the signature of its provenance is judged. */
  builtAt: z.iso.datetime(),
  time: z.iso.datetime(),
});
export type VerdictStatement = z.infer<typeof VerdictStatement>;

/** What a grant says, canonical JSON inside a DSSE envelope of type {@link grantPayloadType}. */
export const GrantStatement = z.strictObject({
  grant: Id,
  request: Id,
  deployment: ResolvedDeployment,
  /** SHA-256 of the deployment's canonical form: what the people signed for. */
  asks: Sha256,
  issuedAt: z.iso.datetime(),
  /** When approval heard the verdict this grant rests on, by its database: as of then its signature is judged. */
  passedAt: z.iso.datetime(),
  /** An unused grant is good until then, at most an hour. */
  notAfter: z.iso.datetime(),
  signOffs: z.array(z.strictObject({ person: Id, role: z.string(), event: z.string() })),
});
export type GrantStatement = z.infer<typeof GrantStatement>;
export const grantPayloadType = 'application/vnd.slipway.grant+json;version=1';

/** What the gateway attests of a sign-off given over HTTP; payload of a DSSE envelope of type {@link attestationPayloadType}. */
export const SignOffAttestation = z.strictObject({
  request: Id,
  asks: Sha256,
  decision: z.enum(['approve', 'reject']),
  comment: z.string().max(4000),
  person: Id,
  time: z.iso.datetime(),
  nonce: z.string().min(16).max(100),
  via: z.enum(['session', 'token']),
});
export type SignOffAttestation = z.infer<typeof SignOffAttestation>;
export const attestationPayloadType = 'application/vnd.slipway.sign-off+json;version=1';
