import type { DsseEnvelope, ProjectFile, Reason, Release, ResolvedDeployment, TargetFile } from '@slipway/contracts';
import type { TargetPlace } from '@slipway/deployments';
import type { proveGrant } from '@slipway/identity';
import type { Orchestrator } from '@slipway/orchestrators';
import type { Tx } from '@slipway/postgres';
import type { EnvironmentState, Grant, Past, Queued, RequestEnd, Rollout, Standing } from './domain/environment.js';

/** Environments and their rollouts. */
export abstract class Rollouts {
  /** Locks the environment, so that whoever decides about it decides alone. Makes it when there is none. */
  abstract environment(tx: Tx, project: string, environment: string): Promise<EnvironmentState>;
  abstract saveEnvironment(tx: Tx, environment: EnvironmentState): Promise<void>;
  /** Environments that run something. */
  abstract occupied(): Promise<readonly { project: string; environment: string }[]>;
  abstract find(tx: Tx, id: string): Promise<Rollout | undefined>;
  /** What was good once, whole. @throws Error where its rollout is gone from the table. */
  abstract standing(tx: Tx, past: Past): Promise<Standing>;
  abstract ofRequest(tx: Tx, request: string): Promise<Rollout | undefined>;
  /** Locks the request, whether it has a rollout or not: of its grant and its end, one is heard after the other. */
  abstract alone(tx: Tx, request: string): Promise<void>;
  /** Kept for a day. No grant of the request is good longer than an hour after its end, and one that has expired begins nothing either. */
  abstract rememberEnd(tx: Tx, request: string, end: RequestEnd): Promise<void>;
  abstract endOf(tx: Tx, request: string): Promise<RequestEnd | undefined>;
  /** Waiting ones of a release, whole and locked, oldest first. */
  abstract waitingOf(tx: Tx, release: string): Promise<readonly Rollout[]>;
  /** Waiting ones, oldest first: many, where many lines of a project come at once, so no more of each than decides about it, and no seal was looked at. */
  abstract waiting(tx: Tx, project: string, environment: string): Promise<readonly Queued[]>;
  /** Those of these rows that are believed. */
  abstract believedOf(tx: Tx, ids: readonly string[]): Promise<readonly string[]>;
  /** Whether a rollout is under way in the environment. One that waits, perhaps for hours, takes nothing from healing and scaling. */
  abstract isWanted(project: string, environment: string): Promise<boolean>;
  abstract rollbackWaits(tx: Tx, project: string, environment: string): Promise<boolean>;
  abstract running(tx: Tx, project: string, environment: string): Promise<Rollout | undefined>;
  abstract insert(tx: Tx, rollout: Rollout): Promise<void>;
  abstract save(tx: Tx, rollout: Rollout): Promise<void>;
  abstract withdrawn(tx: Tx, project: string): Promise<ReadonlySet<string>>;
  abstract withdraw(tx: Tx, release: Release): Promise<void>;
}

/** Projects and targets as the gateway last said them. */
export abstract class Applied {
  abstract keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean>;
  abstract keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean>;
  abstract target(tx: Tx, name: string): Promise<{ version: number; file: TargetFile | null } | undefined>;
  abstract projects(): Promise<readonly ProjectFile[]>;
  /** True when these versions differ from what was said last. */
  abstract keepSecretVersions(tx: Tx, project: string, versions: readonly { name: string; version: string | null }[]): Promise<boolean>;
}

/** What approval lets in, looked at in the transaction that acts on it: the one view of another service this one may read. */
export abstract class GrantsGoodNow {
  /**
   * `unheard` where it is good, and approval has not heard of what changed in that environment at `since` (null before the first change): it has counted the
   * change of the release from something else, and may have to ask anew (design part 4, promise 11).
   */
  abstract look(tx: Tx, grant: Grant, since: string | null): Promise<'good' | 'unheard' | 'not good'>;
}

/** Whether a grant is what it says, by the keys pinned in the trust file. */
export abstract class Proofs {
  abstract grant(envelope: DsseEnvelope): ReturnType<typeof proveGrant>;
  /**
   * All that let a deployment in: approval's grant for exactly it, test-deployer's verdict on its release, image-builder's provenance of its image.
   * `notAfter` is when the grant ends that has begun no rollout yet.
   */
  abstract whole(grant: Grant, deployment: ResolvedDeployment): { ok: true; notAfter: string } | { ok: false; reason: Reason };
}

/** Where a deployment runs. */
export abstract class Places {
  abstract at(place: TargetPlace): Orchestrator;
}

/** The secrets this service may read. */
export abstract class Secrets {
  abstract versions(project: string, names: readonly string[]): Promise<{ name: string; version: string | null }[]>;
  abstract read(project: string, name: string, version: string): Promise<Uint8Array>;
}
