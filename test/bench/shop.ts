import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiClient, apiClient } from '@slipway/api';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import type { z } from 'zod';
import { stablePorts } from '../../tools/demo/project.ts';
import { gitSample } from '../../tools/demo/sample/git.ts';
import type { SampleSource } from '../../tools/demo/sample/source.ts';
import { until } from '../../tools/parts/until.ts';
import { administratorCode } from '../../tools/suite/administrator.ts';
import { stableSeconds } from './by-hand.ts';
import type { Place } from './place.ts';

const project = 'shop';
const author = { name: 'Dana Developer', email: 'dana@shop.example', account: 'dana' };

/** A project whose commits go to production by policy. */
export interface Shop {
  readonly source: SampleSource;
  /** Commits to the main line; nobody is told. Gives the revision. */
  commit(number: number): Promise<string>;
  /** Tells the suite of a push as a forge does, and waits until the release serves in production; gives the ms that took, by the database's clock at the end. */
  release(revision: string, number: number): Promise<number>;
  /** From now on its source is polled as usual. */
  pollAsUsual(): Promise<void>;
}

export async function openShop(place: Place): Promise<Shop> {
  const { environment, dataDir, cleanup, stillWorthIt } = place;
  const url = environment.gatewayUrl;
  const code = await administratorCode(dataDir, stillWorthIt);
  const { token } = await apiClient({ url }).redeem({ body: { code, name: 'Ada Administrator', email: 'ada@shop.example' } });
  const api = apiClient({ url, token });
  const source = await gitSample(dataDir, cleanup);
  const secret = randomBytes(16).toString('hex');
  const secrets = join(dataDir.path, 'secrets', 'source-watcher', project);
  await mkdir(secrets, { recursive: true, mode: 0o700 });
  await writeFile(join(secrets, 'webhook'), secret, { mode: 0o600 });
  const ports = await stablePorts();
  const low = Math.min(...Object.values(ports));
  const target: z.input<typeof TargetFile> = {
    apiVersion: 'slipway.dev/v1',
    kind: 'Target',
    metadata: { name: 'local' },
    spec: { docker: { address: '127.0.0.1', ports: `${low}-${low + 99}` }, namespace: place.names.installation },
  };
  const apply = (poll: string) =>
    api.applyProject({ params: { name: project }, body: projectFile(place, source, ports, poll), query: { reason: 'the benchmark' } });
  await api.applyTarget({ params: { name: 'local' }, body: target });
  const commit = (number: number) => source.commit({ author, message: `Change ${number}`, commit: number, broken: false });
  const first = await commit(0);
  await apply('1h');
  await arrival(api, first);
  return {
    source,
    commit,
    release: async (revision, number) => {
      const begun = Date.now();
      await push(url, secret, revision);
      const ended = await arrival(api, revision);
      const page = await (await fetch(`http://127.0.0.1:${ports.production}/`)).text();
      if (!page.includes(`data-commit="${number}"`)) throw new Error(`production does not show commit ${number}:\n${page}`);
      return ended - begun;
    },
    pollAsUsual: async () => void (await apply('60s')),
  };
}

/** As GitHub tells of a push. */
async function push(url: string, secret: string, revision: string): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main', after: revision, pusher: { name: author.name, email: author.email } });
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': revision,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  const answer = await fetch(`${url}/webhooks/github/${project}`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}: ${await answer.text()}`);
}

/** When the release of a revision came to serve in production, in ms since 1970 by the clock of the database, which is this machine's. */
async function arrival(api: ApiClient, revision: string): Promise<number> {
  let seen = 'no release yet';
  const wanted = async () => {
    const { items } = await api.listReleases({ query: { project } });
    const found = items.find(({ release }) => release.revision === revision);
    if (!found) return undefined;
    seen = found.state;
    if (found.state === 'failed') throw new Error(found.waitingFor.map(({ en }) => en).join('; '));
    if (found.state !== 'live') return undefined;
    const { timeline } = await api.getRelease({ params: { id: found.release.id } });
    return timeline.find(({ event, environment }) => event === 'rollout.succeeded' && environment === 'production')?.at;
  };
  const at = await until(`commit ${revision.slice(0, 8)} in production`, wanted, { within: 120_000, every: 250 }).catch(
    (error: unknown) => {
      throw new Error(`${String(error)} (it is: ${seen})`);
    },
  );
  return Date.parse(at);
}

function projectFile(place: Place, source: SampleSource, ports: Record<'test' | 'pre-release' | 'production', number>, poll: string) {
  const where = (name: keyof typeof ports) => ({ name, stage: name, target: 'local', port: ports[name], deadline: '90s' });
  const git = { url: source.url, branches: ['main'], webhook: 'github' as const, poll };
  return {
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name: project, team: 'bench' },
    spec: {
      source: { git },
      build: { docker: { timeout: '3m' } },
      image: { repository: place.names.repository },
      app: {
        port: 8080,
        instances: 1,
        cpus: 0.5,
        memory: '64Mi',
        drain: '1s',
        stable: `${stableSeconds}s`,
        health: { http: '/healthz', every: '500ms', timeout: '1s', grace: '20s' },
      },
      environments: [
        { ...where('test'), verify: [{ http: '/', expect: 200, contains: 'data-commit' }] },
        { ...where('pre-release'), after: ['test'] },
        { ...where('production'), after: ['pre-release'], app: { instances: 2 } },
      ],
    },
  } satisfies z.input<typeof ProjectFile>;
}
