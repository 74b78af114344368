import type { Actor } from '../cast.ts';
import { type Demo, NotSeen, releaseOf } from '../demo.ts';
import { detailOf, waitFor, waitForRelease } from '../watch.ts';

/** Somebody commits to the main line; waits until Slipway has made a release of it. */
export async function push(demo: Demo, author: Actor, change: { commit: number; message: string; broken?: boolean }): Promise<void> {
  demo.note(`${author.name} commits: ${change.message}`);
  const revision = await demo.source.commit({ author, broken: false, ...change });
  await waitForRelease(demo, change.commit, revision);
}

/** Waits for the image of a commit and asks the registry itself for the digest Slipway names. */
export async function imageInRegistry(demo: Demo, commit: number): Promise<void> {
  const seen = releaseOf(demo, commit);
  const image = await waitFor(demo, `the image of release ${seen.number}`, async () => {
    const detail = await detailOf(demo, seen);
    const failed = detail.timeline.find((entry) => entry.event === 'build.failed');
    if (failed !== undefined) return { failed: failed.en };
    return detail.image === null ? undefined : { ...detail.image };
  });
  if ('failed' in image) throw new NotSeen(image.failed);
  const [host = '', ...path] = image.repository.split('/');
  const protocol = /^(localhost|127\.)/.test(host) ? 'http' : 'https';
  const manifest = `${protocol}://${host.replace('localhost', '127.0.0.1')}/v2/${path.join('/')}/manifests/${image.digest}`;
  const accept = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';
  const answer = await fetch(manifest, { method: 'HEAD', headers: { accept }, signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 200) throw new NotSeen(`the registry answers ${answer.status} for ${image.repository}@${image.digest}`);
  seen.digest = image.digest;
}
