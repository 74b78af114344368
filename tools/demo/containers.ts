import type { ListedContainer } from '../parts/docker-api.ts';
import { type Demo, NotSeen, type Seen, type StageName } from './demo.ts';
import { get } from './load.ts';
import { commitOnPage } from './sample/shop.ts';
import { waitFor } from './watch.ts';

/** A running instance as `docker inspect` shows it. */
export interface Instance {
  id: string;
  name: string;
  /** The digest in the reference it was started from. */
  digest: string | undefined;
  startedAt: string;
  /** Where it answers by itself, beside the environment's stable port. */
  probe: string | undefined;
}

interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  Config: { Image: string };
  State: { Running: boolean; StartedAt: string };
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> | null };
}

/** The instances of an environment that run now, by labels; proxies and one-shot containers are left out. */
export async function instancesIn(demo: Demo, stage: StageName): Promise<Instance[]> {
  const label = [
    `dev.slipway.project=${demo.names.project}`,
    `dev.slipway.environment=${stage}`,
    `dev.slipway.namespace=${demo.names.installation}`,
    'dev.slipway.role=instance',
  ];
  const filters = encodeURIComponent(JSON.stringify({ label, status: ['running'] }));
  const listed = await demo.docker.call<ListedContainer[]>('GET', `/containers/json?filters=${filters}`);
  const inspected = await Promise.all(
    listed.map(({ Id }) => demo.docker.call<Inspected | undefined>('GET', `/containers/${Id}/json`, { allow: [404] })),
  );
  const running = inspected.filter((container): container is Inspected => container?.State?.Running === true);
  return Promise.all(running.map((container) => instanceOf(demo, container)));
}

/** Waits until exactly so many instances of the release run and each answers by itself with the page of that commit. */
export async function waitForInstances(
  demo: Demo,
  stage: StageName,
  expected: { seen: Seen; commit: number; count: number },
): Promise<Instance[]> {
  const { seen, commit, count } = expected;
  let last = '';
  try {
    return await waitFor(demo, `${count} of release ${seen.number} answering in ${stage}`, async () => {
      const instances = await instancesIn(demo, stage);
      last = instances.map(({ name, digest }) => `${name} ${digest?.slice(0, 19)}`).join(', ');
      if (instances.length !== count || instances.some(({ digest }) => digest !== seen.digest)) return undefined;
      const pages = await Promise.all(instances.map(({ probe }) => pageAt(probe)));
      return pages.every((page) => page === String(commit)) ? instances : undefined;
    });
  } catch (error) {
    demo.end.throwIfAsked();
    throw new NotSeen(`${(error as Error).message}; docker inspect shows: ${last || 'no instance'}`);
  }
}

/** The commit an environment shows at its stable address. */
export async function commitAt(url: string): Promise<string | undefined> {
  return commitOnPage(await get(url));
}

async function pageAt(probe: string | undefined): Promise<string | undefined> {
  // Without a port of its own an instance is only to be had through the stable one.
  if (probe === undefined) return undefined;
  return get(probe).then(commitOnPage, () => undefined);
}

async function instanceOf(demo: Demo, container: Inspected): Promise<Instance> {
  const [published] = Object.values(container.NetworkSettings.Ports ?? {}).flatMap((bindings) => bindings ?? []);
  const image = await demo.docker.call<{ RepoDigests?: string[] | null }>('GET', `/images/${container.Image}/json`, { allow: [404] });
  const named = container.Config.Image.split('@')[1];
  // What it was started from must also be what the engine says this image is.
  const known = (image?.RepoDigests ?? []).some((reference) => reference === `${demo.names.repository}@${named}`);
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    digest: known ? named : undefined,
    startedAt: container.State.StartedAt,
    probe: published && `http://127.0.0.1:${published.HostPort}/`,
  };
}
