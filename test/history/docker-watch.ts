import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type DockerApi, dockerApi } from '../../tools/parts/docker-api.ts';
import type { Container, DockerEvent, DockerGap, DockerHistory, Text } from './history.ts';

const installationLabel = 'dev.slipway.installation';
/** How long after a new connection the Engine's memory is waited for, to see whether it joins on to what was heard before. */
const joinMs = 1000;
const pauseMs = 250;
const momentMs = 5;

interface RawEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Record<string, string> };
  readonly timeNano?: number;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Image: string;
  readonly Config: { readonly Image: string; readonly Labels: Record<string, string> | null; readonly Env: string[] | null };
  readonly HostConfig: { readonly Memory?: number; readonly NanoCpus?: number };
  readonly Mounts: readonly { readonly Source?: string; readonly Destination: string; readonly RW: boolean }[] | null;
  readonly State: { readonly Status: string; readonly StartedAt: string; readonly FinishedAt: string };
}

/**
 * Listens to what an Engine says of one installation's containers for as long as it is told to, over restarts of the Engine, and looks at each container
 * once it is made. The Engine forgets all but its last few hundred events, and all of them when it restarts: what was missed is told as a gap.
 */
export class DockerWatch {
  readonly #api: DockerApi;
  readonly #installation: string;
  readonly #events: DockerEvent[] = [];
  readonly #known = new Set<string>();
  readonly #gaps: DockerGap[] = [];
  readonly #containers = new Map<string, Container>();
  readonly #inspections = new Map<string, Text>();
  readonly #imageEnv = new Map<string, Record<string, string>>();
  readonly #looks = new Set<Promise<void>>();
  readonly #end = new AbortController();
  #listening: Promise<void> = Promise.resolve();
  #deaf = Date.now();
  /** Since when every connection was refused; undefined while none was, or one failed otherwise. */
  #awayFrom: number | undefined;

  private constructor(host: string, installation: string) {
    this.#api = dockerApi(host);
    this.#installation = installation;
  }

  /** Resolves once it hears. @throws Error where the Engine does not answer. */
  static async start(host: string, installation: string): Promise<DockerWatch> {
    const watch = new DockerWatch(host, installation);
    await watch.#api.call('GET', '/_ping', { timeoutMs: 10_000 });
    await new Promise<void>((resolve) => {
      watch.#listening = watch.#listen(resolve);
    });
    return watch;
  }

  /** What was heard, and how everything stands now. @throws Error where the Engine does not answer. */
  async history(): Promise<DockerHistory> {
    await Promise.all(this.#looks);
    const there = new Set(await this.#lookAtAll());
    await this.#lookAtImages();
    const containers = [...this.#containers.values()].map((each) => ({ ...each, there: there.has(each.id) }));
    const events = this.#events.toSorted((one, other) => one.at - other.at);
    return { events, gaps: [...this.#gaps], containers, inspections: [...this.#inspections.values()] };
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#listening;
    await Promise.all(this.#looks);
  }

  async #listen(heard: () => void): Promise<void> {
    for (let connections = 0; !this.#end.signal.aborted; ) {
      let isHeard = false;
      let isRefused = false;
      try {
        await this.#connection(this.#deaf, connections > 0, () => {
          isHeard = true;
          connections += 1;
          heard();
        });
      } catch (error) {
        // It is away; what it did meanwhile is asked for when it is back.
        isRefused = ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '');
      }
      this.#awayFrom = isRefused ? (this.#awayFrom ?? Date.now()) : undefined;
      // A moment before the end that was noticed: what a killed Engine had not sent any more.
      if (isHeard) this.#deaf = Date.now() - pauseMs;
      // At once where it has just ended: who comes a moment later may find the next Engine at the socket already, and not know that none was there.
      await delay(isHeard ? momentMs : pauseMs, undefined, { signal: this.#end.signal }).catch(() => undefined);
    }
  }

  async #connection(since: number, again: boolean, connected: () => void): Promise<void> {
    const last = this.#events.at(-1);
    const filters = encodeURIComponent(JSON.stringify({ label: [`${installationLabel}=${this.#installation}`] }));
    const from = last === undefined ? since : last.at;
    const path = `/events?filters=${filters}&since=${(from / 1000).toFixed(9)}`;
    const body = await this.#stream(path);
    connected();
    const at = Date.now();
    const awayFrom = this.#awayFrom;
    let joined = !again;
    const judged = delay(joinMs, undefined, { signal: this.#end.signal })
      .catch(() => undefined)
      .then(() => {
        if (!joined) this.#gaps.push({ from: since, to: at, awayFrom, why: 'the Engine was away, and remembers nothing from before' });
      });
    await this.#lookAtAll().catch(() => undefined);
    for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = line === '' ? undefined : eventOf(JSON.parse(line) as RawEvent);
      if (event === undefined) continue;
      if (last !== undefined && keyOf(event) === keyOf(last)) joined = true;
      this.#add(event);
    }
    await judged;
  }

  #stream(path: string): Promise<NodeJS.ReadableStream> {
    const host = this.#api.host;
    const address = host.startsWith('unix://')
      ? { socketPath: host.slice('unix://'.length) }
      : { host: new URL(host.replace(/^tcp:/, 'http:')).hostname, port: new URL(host.replace(/^tcp:/, 'http:')).port };
    return new Promise((resolve, reject) => {
      const sent = request({ ...address, method: 'GET', path, signal: this.#end.signal }, (answer) => {
        // A connection that breaks, or is ended by us, ends the listening; it is no error of anybody's.
        answer.on('error', () => answer.destroy());
        if (answer.statusCode === 200) resolve(answer);
        else reject(new Error(`Docker GET ${path}: ${answer.statusCode}`));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  #add(event: DockerEvent): void {
    const key = keyOf(event);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#events.push(event);
    if (event.type !== 'container' || !['create', 'start', 'die'].includes(event.action)) return;
    const look = this.#lookAt(event.id).catch(() => undefined);
    this.#looks.add(look);
    void look.then(() => this.#looks.delete(look));
  }

  async #lookAtAll(): Promise<string[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${installationLabel}=${this.#installation}`] }));
    const listed = await this.#api.call<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`);
    for (const { Id } of listed) await this.#lookAt(Id);
    return listed.map(({ Id }) => Id);
  }

  async #lookAt(id: string): Promise<void> {
    const found = await this.#api.call<Inspected | { message: string }>('GET', `/containers/${id}/json`, { allow: [404] });
    if (!('Config' in found)) return;
    this.#inspections.set(id, { where: `docker inspect of ${found.Name.slice(1)}`, text: JSON.stringify(found) });
    this.#containers.set(id, await this.#containerOf(found));
  }

  async #containerOf({ Id, Name, Created, Image, Config, HostConfig, Mounts, State }: Inspected): Promise<Container> {
    const ran = (time: string) => (time.startsWith('0001-') ? undefined : time);
    return {
      id: Id,
      name: Name.slice(1),
      image: Config.Image,
      labels: Config.Labels ?? {},
      env: envOf(Config.Env),
      host: {
        memoryBytes: HostConfig.Memory ?? 0,
        nanoCpus: HostConfig.NanoCpus ?? 0,
        mounts: (Mounts ?? []).map(({ Source = '', Destination, RW }) => ({ source: Source, target: Destination, readOnly: !RW })),
      },
      imageEnv: await this.#envOfImage(Image),
      createdAt: Created,
      startedAt: ran(State.StartedAt),
      finishedAt: ran(State.FinishedAt),
      status: State.Status,
      there: true,
    };
  }

  async #envOfImage(image: string): Promise<Record<string, string>> {
    const known = this.#imageEnv.get(image);
    if (known !== undefined) return known;
    const found = await this.#api.call<{ Config?: { Env?: string[] | null } }>('GET', `/images/${image}/json`, { allow: [404] });
    const env = envOf(found.Config?.Env ?? null);
    if (found.Config !== undefined) {
      this.#imageEnv.set(image, env);
      this.#inspections.set(image, { where: `docker inspect of image ${image}`, text: JSON.stringify(found) });
    }
    return env;
  }

  /** How each image was made, and what each container that is there printed. */
  async #lookAtImages(): Promise<void> {
    for (const image of this.#imageEnv.keys()) {
      const history = await this.#api.call('GET', `/images/${image}/history`, { allow: [404] });
      this.#inspections.set(`history ${image}`, { where: `docker history of image ${image}`, text: JSON.stringify(history) });
    }
    for (const { id, name } of this.#containers.values()) {
      const printed = await this.#api.call('GET', `/containers/${id}/logs?stdout=true&stderr=true&tail=2000`, { allow: [404, 409] });
      this.#inspections.set(`logs ${id}`, {
        where: `docker logs of ${name}`,
        text: typeof printed === 'string' ? printed : JSON.stringify(printed ?? ''),
      });
    }
  }
}

function eventOf({ Type, Action, Actor, timeNano }: RawEvent): DockerEvent | undefined {
  if (Type === undefined || Action === undefined || timeNano === undefined) return undefined;
  return { type: Type, action: Action, id: Actor?.ID ?? '', attributes: Actor?.Attributes ?? {}, at: timeNano / 1e6 };
}

function keyOf({ at, id, action }: DockerEvent): string {
  return `${at} ${id} ${action}`;
}

function envOf(env: string[] | null): Record<string, string> {
  return Object.fromEntries((env ?? []).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
