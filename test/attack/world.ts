import { createHmac } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, ApiError, apiClient, type Problem } from '@slipway/api';
import type { Person, Role, Service } from '@slipway/contracts';
import { aProjectToRun, eventually, type ProjectSpec, realParts } from '@slipway/testkit';
import { v7 } from 'uuid';
import { Repository } from '../e2e/a-suite.js';
import type { Attacked } from './attacked.ts';

/** Somebody with their own token. */
export interface Somebody {
  readonly person: Person;
  readonly token: string;
  readonly api: ApiClient;
}

/** Roles in one project, or in all (`*`). */
export type Roles = readonly { readonly role: Role; readonly project: string }[];

/** Lets somebody in who then comes with their first token. */
export async function joinAs(
  on: Attacked,
  who: { name?: string; emails?: string[]; accounts?: string[]; roles: Roles },
): Promise<Somebody> {
  const name = who.name ?? `Somebody ${v7().slice(-6)}`;
  const { invitation } = await on.administrator.addPerson({
    body: { name, emails: who.emails ?? [], accounts: who.accounts ?? [], roles: [...who.roles] },
  });
  const { person, token } = await apiClient({ url: on.gatewayUrl }).redeem({ body: { code: invitation.code } });
  return { person, token, api: apiClient({ url: on.gatewayUrl, token }) };
}

/** What to apply instead of the usual: whole keys of the project file's `spec`. */
export type Spec = Partial<ProjectSpec>;

/** A project file that goes through test and an operator's sign-off to production. */
export function aProjectFileOf(name: string, url: string, spec: Spec = {}): ReturnType<typeof aProjectToRun> {
  const image = { repository: `${realParts().registry}/${name}` };
  return aProjectToRun(name, { source: { git: { url, poll: '1s' } }, image, ...spec });
}

/** A project with a repository of its own. */
export interface AttackedProject {
  readonly name: string;
  readonly repository: Repository;
  /** Applies its file again, with these keys of `spec` replaced. */
  apply(spec: Spec): Promise<void>;
  /** The request for this release (its number) into this environment, once it is open. */
  request(number: number, environment?: string): Promise<string>;
  /** Waits until a release is in this state in an environment. */
  reaches(number: number, environment: string, state: string): Promise<void>;
}

/** Makes one; the first release is on its way then. `drop` keeps the repository for the judge, unless the project was read from elsewhere. */
export async function aProject(
  on: Attacked,
  spec: Spec = {},
  name = `attack-${v7().slice(-8)}`,
): Promise<AttackedProject & { drop(): Promise<void> }> {
  const repository = await Repository.make();
  const apply = async (changed: Spec) => {
    await on.administrator.applyProject({
      params: { name },
      body: aProjectFileOf(name, repository.url, { ...spec, ...changed }),
      query: { reason: 'an attack' },
    });
  };
  await apply({});
  return {
    name,
    repository,
    apply,
    request: (number, environment = 'production') =>
      eventually(
        async () => {
          const { items } = await on.administrator.listApprovals({ query: { project: name, state: 'open' } });
          return items.find((each) => each.environment === environment && each.release.number === number)?.request ?? false;
        },
        { within: 60_000, every: 100 },
      ),
    reaches: async (number, environment, state) => {
      await eventually(
        async () => {
          const found = await on.administrator.getReleaseByNumber({ params: { project: name, number } });
          const at = found.environments.find((each) => each.environment === environment)?.state;
          if (at !== state) throw new Error(`release ${number} is ${found.state}, ${at} in ${environment}`);
        },
        { within: 60_000, every: 100 },
      );
    },
    drop: () => (spec.source ? repository.remove() : rename(repository.dir, join(on.repositories, name))),
  };
}

/** The problem a call is answered with. @throws Error where the call went well, or nobody answered. */
export async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const outcome = await call.then(
    (answer: unknown) => answer,
    (error: unknown) => error,
  );
  if (outcome instanceof ApiError) return outcome.problem;
  throw new Error(`a problem was expected, this came: ${JSON.stringify(outcome) ?? String(outcome)}`);
}

/** Puts a secret of a project where this service reads it. */
export async function keepSecret(on: Attacked, service: Service, project: string, name: string, value: string): Promise<void> {
  const folder = join(on.dataDir, 'secrets', service, project);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, name), value, { mode: 0o600 });
}

/** The headers with which GitHub would deliver this body. */
export function signedAsGitHub(body: string | Buffer, secret: string, delivery: string = v7()): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}

/** A call as anybody makes it: what came back, whole. */
export async function call(
  on: Attacked,
  path: string,
  { token, ...init }: RequestInit & { token?: string } = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const answer = await fetch(new URL(path, on.gatewayUrl), { redirect: 'manual', signal: AbortSignal.timeout(30_000), ...init, headers });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}
