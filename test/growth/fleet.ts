import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, apiClient } from '@slipway/api';
import type { ProjectFile, Role, TargetFile } from '@slipway/contracts';
import type { z } from 'zod';
import { until } from '../../tools/parts/until.ts';
import { administratorCode } from '../../tools/suite/administrator.ts';
import { type Canary, LoadLog } from '../history/index.ts';
import { inBatches } from './batches.ts';
import type { Ground } from './ground.ts';
import { Repositories } from './repositories.ts';

const author = { name: 'Dana Developer', email: 'dana@growth.example', account: 'dana' };
/** One project of so many asks an operator for each sign-off; the others' policy lets in. */
const signedEvery = 5;
/** One release of so many is a tag on a revision no branch has; the others are branches. */
const taggedEvery = 10;

/** A push of one ref: what becomes one release. */
export interface Push {
  readonly project: string;
  readonly ref: string;
  readonly revision: string;
}

/** Projects, each with a repository of its own, and the people who push and sign. */
export class Fleet {
  readonly operator: ApiClient;
  /** Of the administrator. */
  readonly token: string;
  /** What may stand nowhere, beside that and the secret of webhooks. */
  readonly canaries: readonly Canary[];
  /** What was done to the suite from outside, and what it answered. */
  readonly seen = new LoadLog();
  private rounds = 0;
  private readonly secret = randomBytes(16).toString('hex');

  readonly #ground: Ground;
  readonly #repositories: Repositories;
  readonly #administrator: ApiClient;

  private constructor(ground: Ground, repositories: Repositories, token: string, operatorsToken: string) {
    const url = ground.environment.gatewayUrl;
    this.#ground = ground;
    this.#repositories = repositories;
    this.#administrator = apiClient({ url, token });
    this.operator = apiClient({ url, token: operatorsToken });
    this.token = token;
    this.canaries = [{ name: 'the token of the operator', value: operatorsToken }];
  }

  static async open(ground: Ground, repositories: Repositories, stillWorthIt: () => void): Promise<Fleet> {
    const url = ground.environment.gatewayUrl;
    const code = await administratorCode(ground.dataDir, stillWorthIt);
    const { token } = await apiClient({ url }).redeem({ body: { code, name: 'Ada Administrator', email: 'ada@growth.example' } });
    const administrator = apiClient({ url, token });
    await joinAs(url, administrator, { name: author.name, email: author.email, role: 'developer' });
    const operator = await joinAs(url, administrator, { name: 'Robo Operator', email: 'robo@growth.example', role: 'operator' });
    await administrator.applyTarget({ params: { name: 'stand-in' }, body: targetFile });
    return new Fleet(ground, repositories, token, operator);
  }

  /** Applies so many projects, each with its first commit on main; that is everybody's first release. Gives their names. */
  async found(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, at) => `growth-${at + 1}`);
    await inBatches([...names.entries()], 4, async ([at, name]) => {
      const url = await this.#repositories.make(name, author);
      const folder = join(this.#ground.dataDir.path, 'secrets', 'source-watcher', name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(join(folder, 'webhook'), this.secret, { mode: 0o600 });
      const repository = `${this.#ground.parts.registry.url}/growth/${name}`;
      await this.#administrator.applyProject({
        params: { name },
        body: projectFile(name, url, repository, at % signedEvery === signedEvery - 1),
        query: { reason: 'growth' },
      });
    });
    return names;
  }

  /** Puts so many new refs into each repository, each with a commit of its own on top of main: lines that know nothing of each other. Nobody is told. */
  async push(projects: readonly string[], each: (at: number) => number): Promise<Push[]> {
    const pushed: Push[] = [];
    this.rounds++;
    for (const [at, name] of projects.entries()) {
      const refs = Array.from({ length: each(at) }, (_, number) => {
        const change = `${this.rounds}-${number + 1}`;
        return number % taggedEvery === taggedEvery - 1 ? `refs/tags/v${change}` : `refs/heads/change/${change}`;
      });
      for (const [ref, revision] of await this.#repositories.grow(name, refs, author)) pushed.push({ project: name, ref, revision });
    }
    for (const push of pushed) this.seen.pushed(push);
    return pushed;
  }

  /** Tells of every push as a forge does, a webhook a ref, and again later where it was told to wait. */
  async tell(pushes: readonly Push[], stillWorthIt: () => void): Promise<void> {
    await inBatches(pushes, 8, async (push) => {
      await until(`the webhook of ${push.project} ${push.ref} is taken`, () => this.deliver(push), {
        ...{ within: 120_000, every: 1_000, stillWorthIt },
      });
    });
  }

  private async deliver({ project, ref, revision }: Push): Promise<boolean> {
    const body = JSON.stringify({ ref, after: revision, pusher: { name: author.account, email: author.email } });
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': revision,
      'x-hub-signature-256': `sha256=${createHmac('sha256', this.secret).update(body).digest('hex')}`,
    };
    const url = `${this.#ground.environment.gatewayUrl}/webhooks/github/${project}`;
    const asked = new Date().toISOString();
    const status = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) }).then(
      async (answer) => {
        await answer.text();
        return answer.status;
      },
      () => 0,
    );
    this.seen.delivered({ asked, project, delivery: revision, ref, revision, status });
    return status >= 200 && status < 300;
  }
}

/** Gives their token. */
async function joinAs(url: string, administrator: ApiClient, { name, email, role }: { name: string; email: string; role: Role }) {
  const { invitation } = await administrator.addPerson({ body: { name, emails: [email], roles: [{ role, project: '*' }] } });
  return (await apiClient({ url }).redeem({ body: { code: invitation.code } })).token;
}

const targetFile: z.input<typeof TargetFile> = {
  apiVersion: 'slipway.dev/v1',
  kind: 'Target',
  metadata: { name: 'stand-in' },
  spec: { docker: {} },
};

function projectFile(name: string, url: string, repository: string, signed: boolean): z.input<typeof ProjectFile> {
  const where = { target: 'stand-in', deadline: '600s' } as const;
  const accepts = { branches: ['main', 'change/*'], tags: ['v*'] };
  return {
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {
      source: { git: { url, branches: accepts.branches, tags: accepts.tags, webhook: 'github', poll: '1h' } },
      image: { repository },
      app: { drain: '0s', stable: '0s' },
      environments: [
        { name: 'test', stage: 'test', ...where, accepts, verify: [{ run: ['./check'] }] },
        {
          ...{ name: 'production', stage: 'production', after: ['test'], accepts, ...where },
          approval: signed ? { require: [{ role: 'operator' }] } : {},
        },
      ],
    },
  };
}
