import type { Text } from './history.ts';

/** A suite that can be asked, and the folder where it keeps its files. */
export interface SuiteAt {
  /** Logs lie in `logs`, and in `secrets` what may stand nowhere else. */
  readonly dataDir: string;
  /** Of every process: `http://127.0.0.1:8081`. */
  readonly urls: readonly string[];
  readonly gatewayUrl: string;
  /** Of an administrator: nobody is shown more. */
  readonly token: string;
}

const withinMs = 10_000;
/** So many projects are looked at, each with so many of its newest releases: others are shown in the same way. */
const mostProjects = 4;
const newest = 2;

/** What is read of lists, to know what else can be asked for. */
interface List {
  readonly items: readonly {
    readonly name?: string;
    readonly file?: { readonly spec: { readonly environments: readonly { readonly name: string }[] } };
    readonly request?: string;
    readonly release?: { readonly id: string; readonly number: number };
  }[];
}

/**
 * Every page that a process of the suite shows anybody, and every answer of the API to an administrator, by the API's own document. What does not answer
 * shows nothing.
 */
export async function pagesOf({ urls, gatewayUrl, token }: Omit<SuiteAt, 'dataDir'>): Promise<Text[]> {
  const seen = new Map<string, Text>();
  const look = async (url: string, headers: Record<string, string> = {}): Promise<void> => {
    if (seen.has(url)) return;
    try {
      const answer = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(withinMs) });
      seen.set(url, { is: 'page', where: url, text: `${JSON.stringify([...answer.headers])}\n${await answer.text()}` });
    } catch {
      // It is away, and shows nothing.
    }
  };
  const ask = async <T>(path: string): Promise<Partial<T>> => {
    const url = `${gatewayUrl}${path}`;
    await look(url, { authorization: `Bearer ${token}` });
    return json<T>(seen.get(url)?.text.replace(/^.*\n/, '') ?? '');
  };
  for (const url of urls) for (const page of ['/metrics', '/health/ready', '/health/live']) await look(`${url}${page}`);
  for (const page of ['/', '/api/docs']) await look(`${gatewayUrl}${page}`);
  const { paths = {} } = await ask<{ paths: Record<string, { get?: object }> }>('/api/v1/openapi.json');
  // A stream of events never ends.
  const shown = Object.entries(paths).flatMap(([path, { get }]) => (get && !path.endsWith('/events') ? [path] : []));
  const list = async (path: string) => (await ask<List>(`/api/v1/${path}`)).items ?? [];
  for (const { name: project = '', file } of (await list('projects')).slice(0, mostProjects)) {
    const releases = await list(`releases?project=${project}&limit=${newest}`);
    const requests = await list(`approvals?project=${project}&limit=${newest}`);
    for (const [at, { release }] of releases.entries()) {
      for (const { name: environment } of file?.spec.environments ?? []) {
        const ids = { project, name: project, environment, id: release?.id, number: release?.number };
        const request = requests[at]?.request ?? release?.id;
        for (const path of shown) await ask(filled(path, path.includes('/approvals') ? { ...ids, id: request } : ids));
      }
      const { logs = [] } = await ask<{ logs: string[] }>(`/api/v1/releases/${release?.id}`);
      for (const stream of logs) await ask(`/api/v1/releases/${release?.id}/logs?stream=${encodeURIComponent(stream)}`);
    }
  }
  return [...seen.values()];
}

function filled(path: string, ids: Readonly<Record<string, string | number | undefined>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String(ids[name] ?? 'none'));
}

function json<T>(text: string): Partial<T> {
  try {
    return JSON.parse(text) as T;
  } catch {
    return {};
  }
}
