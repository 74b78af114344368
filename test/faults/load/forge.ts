import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { author } from '../../e2e/a-repository.js';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';

/** Whose webhooks are sent; as the project file names them. */
export type Provider = 'github' | 'gitea' | 'generic';

/** A request by which somebody tells of a push. */
export interface Delivery {
  /** What tells it from others. */
  readonly id: string;
  /** At a gateway. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const waitMs = 12_000;

/** A forge that tells a project of its pushes, signed with a secret the two share. */
export class Forge {
  private constructor(
    readonly provider: Provider,
    private readonly project: string,
    private readonly secret: string,
  ) {}

  /** The secret lies where source-watcher looks for it: before the project is applied. */
  static async of(suite: SuiteOfProcesses, provider: Provider, project: string): Promise<Forge> {
    const secret = randomBytes(16).toString('hex');
    const folder = join(suite.dataDir.path, 'secrets', 'source-watcher', project);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'webhook'), secret, { mode: 0o600 });
    return new Forge(provider, project, secret);
  }

  /** `id` is another for what a person sends again at a forge that gives it a new one. */
  delivery(revision: string, id = `${revision}-1`): Delivery {
    const push = { ref: 'refs/heads/main', after: revision };
    const who = { email: author.emails[0] };
    const body = JSON.stringify(
      this.provider === 'gitea'
        ? { ...push, pusher: { ...who, login: 'ann', full_name: author.name } }
        : { ...push, pusher: { ...who, name: author.name } },
    );
    const hex = createHmac('sha256', this.secret).update(body).digest('hex');
    const headers = { 'content-type': 'application/json', ...headersOf(this.provider, id, hex) };
    return { id, path: `/webhooks/${this.provider}/${this.project}`, headers, body };
  }
}

function headersOf(provider: Provider, id: string, hex: string): Record<string, string> {
  if (provider === 'gitea') return { 'x-gitea-event': 'push', 'x-gitea-delivery': id, 'x-gitea-signature': hex };
  if (provider === 'github') return { 'x-github-event': 'push', 'x-github-delivery': id, 'x-hub-signature-256': `sha256=${hex}` };
  return { 'idempotency-key': id, 'x-signature': `sha256=${hex}` };
}

/** What a Subversion repository's post-commit hook asks, as Jenkins takes it: nothing is signed. */
export function notifyCommit(uuid: string, revision: string): Delivery {
  const path = `/subversion/${uuid}/notifyCommit?rev=${revision}`;
  return { id: `${uuid}:${revision}`, path, headers: { 'content-type': 'text/plain' }, body: '' };
}

/** Sends it once; gives the status, or 0 where no answer came. */
export async function send(gateway: string, { path, headers, body }: Delivery): Promise<number> {
  const asked = { method: 'POST', headers: { ...headers }, body, signal: AbortSignal.timeout(waitMs) };
  const answer = await fetch(`${gateway}${path}`, asked).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.status ?? 0;
}
