import { createHash } from 'node:crypto';
import { digestPattern, listedIn, parse } from './content.js';
import { RegistryRefused, RegistryUntrusted } from './errors.js';
import { type Answer, type CallOptions, RegistryHttp, type RegistryOptions } from './http.js';

/** What a registry keeps under a tag: an image, or an index of images for several platforms. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes of the manifest. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
}

/** A manifest as the registry keeps it: its bytes are what the digest is of. */
export interface Manifest extends Descriptor {
  readonly bytes: Buffer;
}

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

const acceptAll = Object.values(mediaTypes).join(', ');
const repositoryPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const maxPages = 1000;

/** The digest of some bytes, as registries write it. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * A registry that speaks the OCI distribution protocol (1.1 and the older Docker one). Every call has a time limit, takes a signal,
 * and throws one of `errors.ts`; "not there" is an answer, not an error. A digest is believed only where it fits the bytes.
 */
export class OciRegistry {
  private readonly http: RegistryHttp;
  readonly host: string;

  /** Throws `RegistryRefused` for a host that is none. */
  constructor(options: RegistryOptions) {
    this.http = new RegistryHttp(options);
    this.host = options.host;
  }

  /** Whether it answers as a registry does. Throws `RegistryUnavailable`, `RegistryRefused`. */
  async ping(options: CallOptions = {}): Promise<void> {
    await this.http.send({ ...options, what: 'ask the registry', method: 'GET', path: '/v2/', scope: '' });
  }

  /** What a tag or digest stands for now, or `undefined`. The digest is computed from the bytes, not taken from the answer. */
  async resolve(repository: string, reference: string, options: CallOptions = {}): Promise<Descriptor | undefined> {
    const manifest = await this.manifest(repository, reference, options);
    return manifest && { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
  }

  /** Whether the registry has a manifest of this digest (or tag); the cheap question. */
  async has(repository: string, reference: string, options: CallOptions = {}): Promise<boolean> {
    const what = `look for ${repository} ${reference}`;
    const answer = await this.http.send({
      ...options,
      what,
      method: 'HEAD',
      ...at(repository, reference, 'pull'),
      headers: { accept: acceptAll },
      also: [404],
    });
    return answer.status !== 404;
  }

  /** The manifest's own bytes, or `undefined`. Throws `RegistryUntrusted` when they are not what the digest says. */
  async manifest(repository: string, reference: string, options: CallOptions = {}): Promise<Manifest | undefined> {
    const what = `read the manifest of ${repository} ${reference}`;
    const answer = await this.http.send({
      ...options,
      what,
      method: 'GET',
      ...at(repository, reference, 'pull'),
      headers: { accept: acceptAll },
      also: [404],
    });
    return answer.status === 404 ? undefined : checked(what, reference, answer);
  }

  /** All tags of a repository, page by page; none when there is no such repository. Throws `RegistryRefused` where they have no end. */
  async *tags(repository: string, options: CallOptions & { pageSize?: number } = {}): AsyncGenerator<string> {
    const { path, scope } = at(repository, undefined, 'pull');
    let next: string | undefined = `${path}/tags/list?n=${options.pageSize ?? 100}`;
    const what = `list the tags of ${repository}`;
    for (let page = 0; next !== undefined; page++) {
      if (page === maxPages) throw new RegistryRefused(`${what}: there are more than ${maxPages} pages of them`);
      const answer: Answer = await this.http.send({ ...options, what, method: 'GET', path: next, scope, also: [404] });
      if (answer.status === 404) return;
      const { tags } = parse(what, answer.body);
      if (Array.isArray(tags)) yield* tags.filter((tag) => typeof tag === 'string');
      next = nextPage(answer.headers.get('link'));
    }
  }

  /** Gives a digest one more tag by storing the same bytes under it: the digest stays. `undefined` when the digest is not there. */
  async tagDigest(repository: string, digest: string, tag: string, options: CallOptions = {}): Promise<Descriptor | undefined> {
    const manifest = await this.manifest(repository, digest, options);
    if (manifest === undefined) return undefined;
    await this.putManifest(repository, tag, manifest.bytes, manifest.mediaType, options);
    return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size };
  }

  /** Stores a manifest under a tag or its digest and gives its digest. */
  async putManifest(
    repository: string,
    reference: string,
    bytes: Uint8Array,
    mediaType: string,
    options: CallOptions = {},
  ): Promise<string> {
    const what = `write the manifest of ${repository} ${reference}`;
    const digest = digestOf(bytes);
    if (digestPattern.test(reference) && reference !== digest)
      throw new RegistryRefused(`${what}: the bytes have another digest (${digest})`);
    const answer = await this.http.send({
      ...options,
      what,
      method: 'PUT',
      ...at(repository, reference, 'pull,push'),
      headers: { 'content-type': mediaType },
      body: bytes,
    });
    const said = answer.headers.get('docker-content-digest');
    if (said !== null && said !== digest) throw new RegistryUntrusted(`${what}: the registry stored ${said} instead of ${digest}`);
    return digest;
  }

  /** The content of a blob (at most 4 MiB), or `undefined`. Meant for configurations and attestations, not for layers. */
  async blob(repository: string, digest: string, options: CallOptions = {}): Promise<Buffer | undefined> {
    const what = `read blob ${digest} of ${repository}`;
    const { path, scope } = at(repository, undefined, 'pull');
    const answer = await this.http.send({
      ...options,
      what,
      method: 'GET',
      path: `${path}/blobs/${checkedDigest(digest)}`,
      scope,
      also: [404],
    });
    if (answer.status === 404) return undefined;
    if (digestOf(answer.body) !== digest) throw new RegistryUntrusted(`${what}: the bytes have another digest`);
    return answer.body;
  }

  /** Stores a small blob unless it is there already; gives its digest. */
  async putBlob(repository: string, bytes: Uint8Array, options: CallOptions = {}): Promise<string> {
    const digest = digestOf(bytes);
    const what = `write blob ${digest} of ${repository}`;
    const { path, scope } = at(repository, undefined, 'pull,push');
    const found = await this.http.send({ ...options, what, method: 'HEAD', path: `${path}/blobs/${digest}`, scope, also: [404] });
    if (found.status !== 404) return digest;
    const started = await this.http.send({ ...options, what, method: 'POST', path: `${path}/blobs/uploads/`, scope });
    const location = new URL(started.headers.get('location') ?? '', `http://${this.host}`);
    location.searchParams.set('digest', digest);
    // The address is ours to reach, whatever name the registry has for itself.
    await this.http.send({
      ...options,
      what,
      method: 'PUT',
      path: location.pathname + location.search,
      scope,
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    });
    return digest;
  }

  /** Removes a manifest by digest; false when it is not there. Throws `RegistryRefused` where deleting is switched off. */
  async deleteManifest(repository: string, digest: string, options: CallOptions = {}): Promise<boolean> {
    const what = `delete ${repository} ${digest}`;
    const answer = await this.http.send({
      ...options,
      what,
      method: 'DELETE',
      ...at(repository, checkedDigest(digest), 'pull,push,delete'),
      also: [404],
    });
    return answer.status !== 404;
  }

  /** What the registry says refers to a digest, or `undefined` where it does not have the referrers interface. */
  async referrersApi(repository: string, digest: string, options: CallOptions = {}): Promise<Descriptor[] | undefined> {
    const what = `list what refers to ${repository} ${digest}`;
    const { path, scope } = at(repository, undefined, 'pull');
    const answer = await this.http.send({
      ...options,
      what,
      method: 'GET',
      path: `${path}/referrers/${checkedDigest(digest)}`,
      scope,
      also: [404, 405],
    });
    if (answer.status !== 200) return undefined;
    return listedIn(parse(what, answer.body), 'manifests');
  }
}

function at(repository: string, reference: string | undefined, actions: string): { path: string; scope: string } {
  if (!repositoryPattern.test(repository) || repository.length > 255)
    throw new RegistryRefused(`${JSON.stringify(repository.slice(0, 300))} is not the name of a repository`);
  const scope = `repository:${repository}:${actions}`;
  if (reference === undefined) return { path: `/v2/${repository}`, scope };
  if (!digestPattern.test(reference) && !tagPattern.test(reference))
    throw new RegistryRefused(`${JSON.stringify(reference.slice(0, 200))} is neither a tag nor a sha256 digest`);
  return { path: `/v2/${repository}/manifests/${reference}`, scope };
}

function checkedDigest(digest: string): string {
  if (!digestPattern.test(digest)) throw new RegistryRefused(`${JSON.stringify(digest.slice(0, 200))} is not a sha256 digest`);
  return digest;
}

function checked(what: string, reference: string, answer: Answer): Manifest {
  const digest = digestOf(answer.body);
  const said = answer.headers.get('docker-content-digest');
  if (said?.startsWith('sha256:') && said !== digest)
    throw new RegistryUntrusted(`${what}: the registry says ${said}, the bytes are ${digest}`);
  if (digestPattern.test(reference) && reference !== digest) throw new RegistryUntrusted(`${what}: the bytes are ${digest}`);
  const header = answer.headers.get('content-type')?.split(';')[0]?.trim();
  const { mediaType: inside } = parse(what, answer.body);
  const mediaType = typeof inside === 'string' ? inside : (header ?? mediaTypes.ociManifest);
  return { bytes: answer.body, digest, size: answer.body.length, mediaType };
}

/** The address in a `Link: <…>; rel="next"` header; only its path counts, so that a registry can't send us elsewhere. */
function nextPage(link: string | null): string | undefined {
  const [, address] = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(link ?? '') ?? [];
  if (address === undefined) return undefined;
  const url = new URL(address, 'http://registry.invalid');
  return url.pathname + url.search;
}
