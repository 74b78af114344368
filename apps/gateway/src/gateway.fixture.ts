import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, ApiError, apiClient, type Problem } from '@slipway/api';
import {
  ApprovalRequested,
  CommandAccepted,
  CommandIssued,
  CommandRefused,
  CommitDetected,
  type DataOf,
  ImageBuilt,
  type Release,
  type RepositoryFile,
  type Role,
  type Service,
} from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { resolveDeployment } from '@slipway/release';
import type { Booted } from '@slipway/service-kit';
import { aCommit, aDigest, anId, aProjectFile, aRelease, aTargetFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { GatewayModule } from './gateway.module.js';

/** A person of a test, with their own client. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly api: ApiClient;
}

/** A gateway on real Kafka and Postgres, with its first administrator. */
export interface Scene {
  readonly stage: Stage;
  readonly gateway: Booted;
  readonly administrator: Actor;
  /** Adds somebody with these roles, who redeems their invitation. */
  join(name: string, roles: { role: Role; project: string }[], emails?: string[]): Promise<Actor>;
  /** Applies the target `lab` and a project. */
  aProject(name: string): Promise<void>;
  /** Says that a release was born and built, and waits until the gateway knows it. */
  aBuiltRelease(project: string, number: number, repositoryFile?: RepositoryFile): Promise<Release>;
  /** Says that sign-off is asked for a release into pre-release; gives the request. */
  aRequest(release: Release, eligible?: readonly Actor[]): Promise<DataOf<typeof ApprovalRequested>>;
  /** Answers the next command for this service the way a service does. */
  answerCommand(
    service: Service,
    answer: { message: string } | { reason: { code: string; message: string } },
  ): Promise<DataOf<typeof CommandIssued>>;
}

export const strict = { SLIPWAY_CHECK_ANSWERS: '1' };

/** Sets the scene; `scene.stage.clear()` in afterAll. */
export async function aScene(): Promise<Scene> {
  const stage = await aStage();
  const gateway = await stage.start(GatewayModule, strict);
  const administrator = await firstOf(stage, gateway);
  const answered = new Set<string>();
  const scene: Scene = {
    stage,
    gateway,
    administrator,
    join: async (name, roles, emails = []) => {
      const added = await administrator.api.addPerson({ body: { name, roles, emails } });
      return redeemed(gateway.url, added.invitation.code);
    },
    aProject: async (name) => {
      await administrator.api.applyTarget({ params: { name: 'lab' }, body: aTargetFile() });
      await administrator.api.applyProject({ params: { name }, body: aProjectFile({ name }) });
    },
    aBuiltRelease: async (project, number, repositoryFile) => {
      const release = aRelease({ project, number });
      await sayBorn(stage, release, repositoryFile ?? null);
      await eventually(() => administrator.api.getRelease({ params: { id: release.id } }).then(({ image }) => image !== null));
      return release;
    },
    aRequest: async (release, eligible = []) => {
      const data = requestOf(release, eligible);
      await stage.say('approval', ApprovalRequested, { subject: release.id, data });
      await eventually(() => administrator.api.getApproval({ params: { id: data.request } }));
      return data;
    },
    answerCommand: async (service, answer) => {
      const isUnanswered = ({ name, id, data }: Stage['heard'][number]) =>
        name === CommandIssued.name && (data as DataOf<typeof CommandIssued>).service === service && !answered.has(id);
      const event = await eventually(() => {
        const found = stage.heard.find(isUnanswered);
        if (found) answered.add(found.id);
        return found ?? false;
      });
      const issued = event.data as DataOf<typeof CommandIssued>;
      const about = { subject: event.subject, causationId: event.id };
      if ('message' in answer) await stage.say(service, CommandAccepted, { ...about, data: { command: issued.command, ...answer } });
      else await stage.say(service, CommandRefused, { ...about, data: { command: issued.command, ...answer } });
      return issued;
    },
  };
  return scene;
}

async function firstOf(stage: Stage, gateway: Booted): Promise<Actor> {
  const text = await readFile(join(stage.environment['SLIPWAY_DATA_DIR'] as string, 'administrator-link'), 'utf8');
  const code = /#code=(\S+)/.exec(text)?.[1] as string;
  return redeemed(gateway.url, code, 'Ada Administrator');
}

/** Somebody who comes in with a code. */
export async function redeemed(url: string, code: string, name?: string): Promise<Actor> {
  const { person, token } = await apiClient({ url }).redeem({ body: { code, ...(name ? { name } : {}) } });
  return { id: person.id, name: person.name, token, api: apiClient({ url, token }) };
}

/** The problem a call is answered with. */
export async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof ApiError) return outcome.problem;
  throw new Error(`a problem was expected, this came: ${String(outcome)}`);
}

export const provenance = { payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] };
export const imageOf = (release: Release) => ({ repository: `localhost:5000/${release.project}`, digest: aDigest(release.id) });

async function sayBorn(stage: Stage, release: Release, repositoryFile: RepositoryFile | null): Promise<void> {
  const commit = aCommit({ revision: release.revision, message: `Sell hats\n\nNumber ${release.number}` });
  const people = [commit.author];
  const data = {
    release,
    projectVersion: 1,
    range: { from: null, commits: [commit], total: 1 },
    people,
    pusher: null,
    trigger: { kind: 'poll' as const, person: null },
    repositoryFile,
    image: null,
  };
  const born = await stage.say('source-watcher', CommitDetected, { subject: release.id, correlationId: release.id, data });
  await stage.say('image-builder', ImageBuilt, {
    subject: release.id,
    correlationId: release.id,
    causationId: born,
    data: {
      release,
      projectVersion: 1,
      image: imageOf(release),
      built: true,
      seconds: 3,
      provenance,
      repositoryFile,
      authors: people,
    },
  });
}

export function requestOf(release: Release, eligible: readonly Actor[]): DataOf<typeof ApprovalRequested> {
  const file = aProjectFile({ name: release.project });
  const resolved = resolveDeployment({
    project: { version: 1, file },
    target: { version: 1, file: aTargetFile() },
    environment: 'pre-release',
    release,
    image: imageOf(release),
    repositoryFile: null,
    secretVersions: {},
  });
  if (!resolved.ok) throw new Error(resolved.reason.message);
  const { deployment } = resolved;
  return ApprovalRequested.data.parse({
    request: anId(),
    release,
    environment: 'pre-release',
    deployment,
    asks: digestOf(deployment),
    require: [{ role: 'tester' }, { role: 'operator' }],
    missing: ['1 more tester', '1 more operator'],
    eligible: eligible.map(({ id, name }) => ({ id, name })),
    involved: [],
    unmatched: [],
    soakUntil: null,
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    newerAvailable: null,
    deployAgain: null,
    change: null,
    inTest: null,
    previous: null,
    authors: [],
  });
}
