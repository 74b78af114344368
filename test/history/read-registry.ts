import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Manifest, RegistryHistory, Text } from './history.ts';

const types = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
/** Blobs up to this size are read whole, for who looks for secrets; what a layer adds to a base is small. */
const largestBlob = 2 << 20;
const timeoutMs = 20_000;

/** What a registry has of some repositories: every tag's manifest, the manifests of these digests, and what the smaller blobs hold. */
export async function readRegistry(
  registry: string,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<{ registry: RegistryHistory; texts: Text[] }> {
  const manifests: Manifest[] = [];
  const texts: Text[] = [];
  const blobs = new Set<string>();
  for (const [repository, digests] of wanted) {
    const url = `http://${registry}/v2/${repository}`;
    const listed = await fetch(`${url}/tags/list`, { signal: AbortSignal.timeout(timeoutMs) });
    const tags = listed.ok ? (((await listed.json()) as { tags?: string[] | null }).tags ?? []) : [];
    for (const reference of [...tags, ...digests]) {
      const manifest = await manifestOf(url, repository, reference);
      if (
        !manifest ||
        manifests.some((each) => each.repository === repository && each.tag === manifest.tag && each.digest === manifest.digest)
      )
        continue;
      manifests.push(manifest);
      for (const blob of blobsOf(manifest)) {
        if (blob.size > largestBlob || blobs.has(blob.digest)) continue;
        blobs.add(blob.digest);
        const text = await blobText(`${url}/blobs/${blob.digest}`);
        if (text !== undefined) texts.push({ is: 'layer', where: `blob ${blob.digest} of ${repository}`, text });
      }
    }
  }
  return { registry: { manifests, repositories: [...wanted.keys()] }, texts };
}

async function manifestOf(url: string, repository: string, reference: string): Promise<Manifest | undefined> {
  const answer = await fetch(`${url}/manifests/${reference}`, { headers: { accept: types }, signal: AbortSignal.timeout(timeoutMs) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) return undefined;
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { repository, tag: reference, digest, mediaType: answer.headers.get('content-type') ?? '', body: bytes.toString('utf8') };
}

function blobsOf({ body }: Manifest): { digest: string; size: number }[] {
  const { config, layers } = JSON.parse(body) as { config?: { digest: string; size: number }; layers?: { digest: string; size: number }[] };
  return [...(config ? [config] : []), ...(layers ?? [])];
}

async function blobText(url: string): Promise<string | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) return undefined;
  try {
    return gunzipSync(bytes, { maxOutputLength: largestBlob * 16 }).toString('latin1');
  } catch {
    return bytes.toString('latin1');
  }
}
