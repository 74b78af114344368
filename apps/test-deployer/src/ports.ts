import type { DsseEnvelope, ProjectFile, Release, TargetFile, VerdictStatement } from '@slipway/contracts';
import type { Orchestrator } from '@slipway/orchestrators';
import type { Tx } from '@slipway/postgres';
import type { Decided, EnvironmentState, Queued, TestDeployment } from './domain/test-environment.js';

/** Test environments and the deployments to them. Lock the environment before its deployments. */
export abstract class Deployments {
  /** Locks the environment, so that whoever decides about it decides alone. Makes it when there is none. */
  abstract environment(tx: Tx, project: string, environment: string): Promise<EnvironmentState>;
  /** Without a lock, and without making it. */
  abstract known(tx: Tx, project: string, environment: string): Promise<EnvironmentState | undefined>;
  abstract saveEnvironment(tx: Tx, environment: EnvironmentState): Promise<void>;
  abstract dropEnvironment(tx: Tx, project: string, environment: string): Promise<void>;
  /** Names of the project's environments that are known here. */
  abstract environmentsOf(tx: Tx, project: string): Promise<readonly string[]>;
  /** Environments whose occupant is that release. */
  abstract occupiedBy(tx: Tx, release: string): Promise<readonly { project: string; environment: string }[]>;
  /** Locks it. */
  abstract find(tx: Tx, id: string): Promise<TestDeployment | undefined>;
  /** Without a lock. */
  abstract peek(tx: Tx, id: string): Promise<TestDeployment | undefined>;
  /** Waiting ones, oldest first: many, where many lines of a project are built at once, so no more of each than decides about it, and no seal was looked at. */
  abstract waiting(tx: Tx, project: string, environment: string): Promise<readonly Queued[]>;
  /** Those of these that wait and are believed. */
  abstract believedOf(tx: Tx, ids: readonly string[]): Promise<readonly string[]>;
  /** The one that is being deployed or verified. */
  abstract running(tx: Tx, project: string, environment: string): Promise<TestDeployment | undefined>;
  /** All of a release, oldest first. */
  abstract ofRelease(tx: Tx, release: string): Promise<readonly TestDeployment[]>;
  abstract insert(tx: Tx, deployment: TestDeployment): Promise<void>;
  abstract save(tx: Tx, deployment: TestDeployment): Promise<void>;
}

/** What people decided about releases, as approval says. */
export abstract class Decisions {
  /** A request is open; one heard of before stays as it is. */
  abstract open(tx: Tx, request: { request: string; release: Release; environment: string }): Promise<void>;
  abstract close(tx: Tx, request: { request: string; release: Release; environment: string }): Promise<void>;
  abstract of(tx: Tx, release: string): Promise<Decided>;
  abstract withdraw(tx: Tx, release: Release): Promise<void>;
  abstract isWithdrawn(tx: Tx, release: string): Promise<boolean>;
}

/** Projects and targets as the gateway last said them; `file` is null where it was removed. */
export abstract class Applied {
  /** False when this version, or a newer one, is known already. */
  abstract keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean>;
  abstract keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean>;
  abstract project(tx: Tx, name: string): Promise<{ version: number; file: ProjectFile | null } | undefined>;
  abstract target(tx: Tx, name: string): Promise<{ version: number; file: TargetFile | null } | undefined>;
}

/** Whether a provenance is what it says, by the keys pinned in the trust file; and our own word for what passed. */
export abstract class Proofs {
  /** That image-builder says where this digest comes from. */
  abstract provenance(envelope: DsseEnvelope, digest: string, heardAt: Date): { ok: true } | { ok: false; reason: string };
  abstract verdict(statement: VerdictStatement): Promise<DsseEnvelope>;
}

/** Where a deployment runs. */
export abstract class Places {
  abstract orchestratorOf(file: TargetFile): Orchestrator;
}

/** The secrets this service may read. */
export abstract class Secrets {
  abstract versions(project: string, names: readonly string[]): Promise<{ name: string; version: string | null }[]>;
  abstract read(project: string, name: string, version: string): Promise<Uint8Array>;
}
