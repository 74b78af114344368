import { setTimeout as wait } from 'node:timers/promises';
import type { FaultProxy, Toxic } from '../../../tools/parts/toxiproxy.ts';
import type { Chance, Fault, FaultKind, Sufferer } from '../fault.ts';
import { aTroubledRegistry, type HurtRegistry, type Troubled } from './a-registry.ts';
import { aFault, blackHoled, poisoned } from './hurting.ts';
import type { Ways } from './ways.ts';

/** What may suffer at the same time as the registry. */
const overlaps: readonly Sufferer[] = ['service', 'postgres', 'kafka'];
const part = 'registry';

/** Every fault of the registry (facts/reliability.md 1.6 R). */
export function faultsOfRegistry(registry: HurtRegistry, ways: Ways): FaultKind[] {
  const way = ways.registry;
  return [
    {
      name: 'registry killed',
      part,
      lasts: { least: 1, most: 30 },
      overlaps,
      make: (_, seconds) =>
        aFault({
          name: `the registry is killed and back after ${seconds} s`,
          begin: async ({ signal, say }) => {
            const open = await anUpload(registry, way, signal);
            if (open === 0) say('nobody pushed anything');
            await registry.kill();
            return open;
          },
          end: async () => void (await registry.start()),
        }),
    },
    {
      name: 'registry cut half-way',
      part,
      lasts: { least: 10, most: 30 },
      overlaps,
      make: (chance) => {
        const toxic: Toxic = { type: 'limit_data', attributes: { bytes: chance.whole(500, 4_000) } };
        const name = `every connection to the registry ends after ${toxic.attributes.bytes} bytes`;
        return brokenOff(poisoned(name, [way], [{ stream: 'upstream', toxic }]), registry);
      },
    },
    {
      name: 'registry in trouble',
      part,
      lasts: { least: 5, most: 25 },
      overlaps,
      make: (chance) => inTrouble(chance.one([500, 503, 429] as const), registry, ways),
    },
    {
      name: 'registry black-holed',
      part,
      lasts: { least: 15, most: 60 },
      overlaps,
      make: () => blackHoled('the registry never answers', [way]),
    },
    {
      name: 'registry manifest lost',
      part,
      lasts: { least: 10, most: 30 },
      overlaps,
      weight: 0.5,
      make: (chance) => manifestLost(registry, chance),
    },
    {
      name: 'registry tag overwritten',
      part,
      lasts: { least: 0, most: 0 },
      overlaps,
      weight: 0.5,
      make: (chance) => tagOverwritten(registry, chance),
    },
  ];
}

/** How long it is waited until somebody pushes, and how long each word of a push takes meanwhile. */
const pushMs = 30_000;
const latencyMs = 700;

/** Waits until something is being uploaded, and gives how many uploads are open then. Who uploads is slowed down meanwhile, so as to be met in the middle. */
async function anUpload(registry: HurtRegistry, way: FaultProxy, signal: AbortSignal): Promise<number> {
  const before = await registry.uploads();
  const open = async () => [...(await registry.uploads())].filter((id) => !before.has(id)).length;
  await way.poison('upstream', { type: 'latency', attributes: { latency: latencyMs } });
  try {
    for (const end = performance.now() + pushMs; performance.now() < end && !signal.aborted; ) {
      const count = await open();
      if (count > 0) return count;
      await wait(50);
    }
    return 0;
  } finally {
    await way.cure();
  }
}

/** Counts uploads that broke off meanwhile: they stay on the registry's disk. */
function brokenOff(fault: Fault, registry: HurtRegistry): Fault {
  let before: ReadonlySet<string> = new Set();
  let count = 0;
  return {
    name: fault.name,
    begin: async (context) => {
      before = await registry.uploads();
      await fault.begin(context);
    },
    end: async () => {
      count = [...(await registry.uploads())].filter((id) => !before.has(id)).length;
      await fault.end();
    },
    hurt: () => count,
  };
}

function inTrouble(status: 500 | 503 | 429, registry: HurtRegistry, ways: Ways): Fault {
  let troubled: Troubled | undefined;
  return aFault({
    name: `the registry answers ${status}`,
    begin: async () => {
      troubled = await aTroubledRegistry(status);
      await ways.registry.lead(troubled.address);
      return undefined;
    },
    end: async () => {
      await ways.registry.lead(registry.url);
      await troubled?.close();
      return troubled?.refused ?? 0;
    },
  });
}

interface Stored {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly type: string;
  readonly body: Buffer;
}

/** One of the images there, by its tag. */
async function anImage(registry: HurtRegistry, at: number): Promise<Stored | undefined> {
  const { repositories } = (await (await registry.ask('GET', '_catalog')).json()) as { repositories: string[] };
  const repository = repositories.toSorted()[at % repositories.length];
  if (repository === undefined) return undefined;
  const listed = (await (await registry.ask('GET', `${repository}/tags/list`)).json()) as { tags: string[] | null };
  const tags = (listed.tags ?? []).filter((tag) => !tag.startsWith('sha256-')).toSorted();
  const tag = tags[at % tags.length];
  if (tag === undefined) return undefined;
  const answer = await registry.ask('GET', `${repository}/manifests/${tag}`);
  if (!answer.ok) return undefined;
  const [digest, type] = [answer.headers.get('docker-content-digest'), answer.headers.get('content-type')];
  return { repository, tag, digest: digest ?? '', type: type ?? '', body: Buffer.from(await answer.arrayBuffer()) };
}

/** As after a clean-up that took too much: it is there again at the end. */
function manifestLost(registry: HurtRegistry, chance: Chance): Fault {
  const at = chance.whole(0, 1000);
  let lost: Stored | undefined;
  return aFault({
    name: 'the registry loses a manifest',
    begin: async ({ say }) => {
      lost = await anImage(registry, at);
      if (lost === undefined) return 0;
      say(`${lost.repository}@${lost.digest} is lost`);
      return (await registry.ask('DELETE', `${lost.repository}/manifests/${lost.digest}`)).ok ? 1 : 0;
    },
    end: async () => {
      if (lost !== undefined) await registry.ask('PUT', `${lost.repository}/manifests/${lost.tag}`, lost.body, lost.type);
      return undefined;
    },
  });
}

/** Somebody pushes something else under a tag that is tested already: its manifest, written in other words, has another digest. */
function tagOverwritten(registry: HurtRegistry, chance: Chance): Fault {
  const at = chance.whole(0, 1000);
  return aFault({
    name: 'a tag is overwritten',
    begin: async ({ say }) => {
      const image = await anImage(registry, at);
      if (image === undefined) return 0;
      const other = Buffer.from(`${image.body.toString('utf8').trimEnd()}\n\n`);
      say(`${image.repository}:${image.tag} names something else from now on`);
      return (await registry.ask('PUT', `${image.repository}/manifests/${image.tag}`, other, image.type)).ok ? 1 : 0;
    },
  });
}
