import type { Container, DockerEvent, DockerHistory } from './history.ts';

/** A container that Docker was asked to make. */
export interface Made {
  /** What a test calls it: `production 2 1`. */
  readonly key: string;
  readonly at: number;
  readonly environment: string;
  readonly release: string;
  readonly attempt: number;
  readonly number: number;
  readonly image: { readonly repository: string; readonly digest: string };
  readonly epoch: number;
  /** Instead of the image by its digest. */
  readonly from?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Labels that are otherwise. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What of its host it is given otherwise. */
  readonly host?: Partial<NonNullable<Container['host']>>;
  /** When it was stopped and taken away; when the next one of its environment came, unless given. */
  readonly until?: number;
}

/** What Docker tells of these: each makes place for the next attempt in its environment. */
export function dockerOf(
  made: readonly Made[],
  { installation, env, host }: { installation: string; env: Readonly<Record<string, string>>; host: NonNullable<Container['host']> },
): DockerHistory {
  const events: DockerEvent[] = [];
  const containers: Container[] = [];
  for (const [index, each] of made.entries()) {
    const id = `${index}`.padStart(12, '0');
    const name = `slipway.default.shop.${each.environment}.${each.number}.${each.release.slice(-8)}${each.attempt}`;
    const of: Readonly<Record<string, string>> = {
      project: 'shop',
      environment: each.environment,
      namespace: 'default',
      installation,
      role: 'instance',
      release: each.release,
      digest: each.image.digest,
      attempt: String(each.attempt),
      epoch: String(each.epoch),
      config: 'c0ffee',
      instance: String(each.number),
      'app-port': '8080',
      ...each.labels,
    };
    const labels = Object.fromEntries(Object.entries(of).map(([key, value]) => [`dev.slipway.${key}`, value]));
    const image = each.from ?? `${each.image.repository}@${each.image.digest}`;
    const tell = (action: string, at: number) => events.push({ type: 'container', action, id, at, attributes: { ...labels, name, image } });
    tell('create', each.at);
    tell('start', each.at + 1);
    const next = made.find((other) => other.environment === each.environment && other.at > each.at + 1000);
    const until = each.until ?? (next && next.at + 500);
    if (until !== undefined) for (const [step, action] of ['kill', 'die', 'stop', 'destroy'].entries()) tell(action, until + step);
    const createdAt = new Date(each.at).toISOString();
    const imageEnv = { PATH: '/bin' };
    const about = {
      image,
      labels,
      imageEnv,
      createdAt,
      startedAt: createdAt,
      finishedAt: undefined,
      status: 'running',
      there: until === undefined,
    };
    containers.push({ id, name, env: { ...imageEnv, ...(each.env ?? env) }, host: { ...host, ...each.host }, ...about });
  }
  return {
    events: events.toSorted((one, other) => one.at - other.at),
    gaps: [],
    containers,
    inspections: [{ where: 'docker inspect', text: '{}' }],
  };
}
