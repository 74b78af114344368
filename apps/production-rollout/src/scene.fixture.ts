import { randomUUID } from 'node:crypto';
import {
  ApprovalGranted,
  type CommandAction,
  CommandIssued,
  type DsseEnvelope,
  type GrantStatement,
  grantPayloadType,
  ProjectApplied,
  type Release,
  type ResolvedDeployment,
  RolloutSucceeded,
  TargetApplied,
  type TargetFile,
  type VerdictStatement,
} from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { canonicalJson, digestOf, payloadTypes, type Signer } from '@slipway/identity';
import { DockerOrchestrator, type EnvironmentRef } from '@slipway/orchestrators';
import { SampleImages } from '@slipway/orchestrators/testing';
import { resolveDeployment } from '@slipway/release';
import type { Booted } from '@slipway/service-kit';
import { anId, aProjectFile, aRelease, aTargetFile, realParts } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { ProductionRolloutModule } from './production-rollout.module.js';

const app = { instances: 2, drain: '1s', stable: '300ms', health: { http: '/healthz', every: '300ms', timeout: '500ms', grace: '1500ms' } };

/** Sample releases: one and two are well, sick never gets healthy. */
type Sample = 'one' | 'two' | 'sick';

interface Granting {
  readonly by?: Signer;
  /** Whether approval lets it in now; false for one that is expired, voided or frozen. */
  readonly good?: boolean;
  readonly provenanceOf?: string;
  /** The release that test-deployer's verdict names, and who signs it; the right ones by default. */
  readonly verdictOn?: string;
  readonly verdictBy?: Signer;
  /** The request it is a grant of; one of its own by default. */
  readonly request?: string;
  /** When it was issued; it is good for an hour from then. */
  readonly issuedAt?: Date;
  /** Whether the event is said at once; else the caller does. */
  readonly said?: boolean;
}

/** Two replicas of production-rollout on real parts, with the other services played; targets get their stable ports from a range of their own. */
export class Scene {
  readonly engine = DockerEngine.connect(realParts().dockerHost);
  readonly installation = `test-${randomUUID().slice(0, 8)}`;
  readonly operator = { id: anId(), name: 'Otto' };
  built!: Record<Sample, { image: string; digest: string }>;
  /** The project of the story being told; each has one of its own, so that one environment is one story. */
  project = '';
  /** `lab` as it was applied last. */
  target: { readonly version: number; readonly file: TargetFile };
  private readonly images = new SampleImages(this.engine, realParts().registry);

  private replicas: Booted[] = [];

  private constructor(
    readonly stage: Stage,
    private readonly ports: string,
  ) {
    this.target = { version: 0, file: aTargetFile() };
  }

  static async set(ports: string): Promise<Scene> {
    const scene = new Scene(await aStage(), ports);
    const { stage, images } = scene;
    // Stands in for the one view of approval that production-rollout may read.
    await stage.database.query('create schema slipway_approval');
    await stage.database.query('create table slipway_approval.grants_good_now (grant_id uuid primary key, request uuid, asks text)');
    const made = Promise.all([images.make('one'), images.make('two'), images.make('three', 'unhealthy')]);
    const [[one, two, sick]] = await Promise.all([made, scene.start()]);
    scene.built = { one, two, sick };
    await scene.applyTarget({});
    return scene;
  }

  private async start(): Promise<void> {
    const replica = () => this.stage.start(ProductionRolloutModule, { SLIPWAY_INSTALLATION: this.installation });
    this.replicas = await Promise.all([replica(), replica()]);
  }

  /** Does something while no replica runs. */
  async whileStopped(act: () => Promise<void>): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await act();
    await this.start();
  }

  async clear(): Promise<void> {
    const dataDir = `${this.stage.keys.dir}/targets/lab`;
    const orchestrator = new DockerOrchestrator({ engine: this.engine, dataDir, installation: this.installation });
    await this.stage.clear();
    const remove = (environment: EnvironmentRef) => orchestrator.remove(environment, { signal: AbortSignal.timeout(30_000), epoch: 1 });
    await Promise.all((await orchestrator.environments()).map(remove));
    await this.images.clean();
  }

  /** The next version of `lab`. */
  async applyTarget({ docker = {}, namespace }: { docker?: { address?: string; host?: string }; namespace?: string }): Promise<void> {
    const file = aTargetFile({ spec: { docker: { ports: this.ports, ...docker }, ...(namespace && { namespace }) } });
    this.target = { version: this.target.version + 1, file };
    const data = { target: 'lab', version: this.target.version, file, by: this.operator };
    await this.stage.say('gateway', TargetApplied, { subject: 'lab', data });
  }

  async aProject(name: string): Promise<void> {
    this.project = name;
    const file = aProjectFile({ name, spec: { app } });
    const data = { project: name, version: 1, file, by: this.operator, reason: '' };
    await this.stage.say('gateway', ProjectApplied, { subject: name, data });
  }

  /** What people signed for: the release on the target as it is now. */
  async grant(number: number, sample: Sample, granting: Granting = {}) {
    const { keys } = this.stage.keys;
    const {
      by = keys.approval.signer,
      good = true,
      provenanceOf = this.built[sample].digest,
      request = v7(),
      issuedAt = new Date(),
      said = true,
    } = granting;
    const release = aRelease({ project: this.project, number });
    const deployment = this.deploymentOf(release, this.built[sample]);
    const statement: GrantStatement = {
      grant: v7(),
      request,
      deployment,
      asks: digestOf(deployment),
      issuedAt: issuedAt.toISOString(),
      notAfter: new Date(issuedAt.getTime() + 3_600_000).toISOString(),
      passedAt: issuedAt.toISOString(),
      signOffs: [],
    };
    const { grant, asks } = statement;
    if (good) await this.stage.database.query('insert into slipway_approval.grants_good_now values ($1, $2, $3)', [grant, request, asks]);
    const provenance = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: provenanceOf.slice(7) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
    };
    const time = issuedAt.toISOString();
    const of = { release: granting.verdictOn ?? release.id, environment: 'test', deployment: v7(), image: deployment.image };
    const verdict: VerdictStatement = { outcome: 'passed', ...of, ran: asks, builtAt: time, time };
    const data = {
      request,
      release,
      environment: 'production',
      asks,
      grant: envelope(by, grantPayloadType, statement),
      provenance: envelope(keys['image-builder'].signer, payloadTypes.provenance, provenance),
      verdict: envelope(granting.verdictBy ?? keys['test-deployer'].signer, payloadTypes.verdict, verdict),
      byPolicy: false,
      reissued: false,
      authors: [],
      signOffs: [],
    };
    const say = () => this.stage.say('approval', ApprovalGranted, { subject: release.id, data });
    if (said) await say();
    return { release, statement, say };
  }

  async live(number: number, sample: Sample) {
    const { release } = await this.grant(number, sample);
    return this.stage.hears(RolloutSucceeded, (data) => data.release.id === release.id, 40_000);
  }

  async command(action: CommandAction): Promise<string> {
    const id = v7();
    await this.stage.say('gateway', CommandIssued, {
      subject: `${this.project}/production`,
      data: { command: id, service: 'production-rollout', action, person: this.operator, role: 'operator', reason: 'because' },
    });
    return id;
  }

  here() {
    return { project: this.project, environment: 'production' };
  }

  /** Names of the instances that run. */
  async containers(): Promise<string[]> {
    const all = await this.engine.containers.list({ labels: { 'dev.slipway.project': this.project } });
    return all.filter((one) => one.status === 'running' && !one.name.endsWith('proxy')).map((one) => one.name);
  }

  private deploymentOf(release: Release, { image, digest }: { image: string; digest: string }): ResolvedDeployment {
    const [repository = ''] = image.split('@');
    const resolved = resolveDeployment({
      project: { version: 1, file: aProjectFile({ name: release.project, spec: { app } }) },
      environment: 'production',
      release,
      image: { repository, digest },
      repositoryFile: null,
      target: this.target,
      secretVersions: {},
    });
    if (!resolved.ok) throw new Error(resolved.reason.message);
    return resolved.deployment;
  }
}

function envelope(signer: Signer, payloadType: string, payload: unknown): DsseEnvelope {
  const bytes = Buffer.from(canonicalJson(payload));
  const signature = signer.sign(payloadType, bytes) as { keyid: string; sig: string };
  return { payloadType, payload: bytes.toString('base64'), signatures: [signature] };
}
