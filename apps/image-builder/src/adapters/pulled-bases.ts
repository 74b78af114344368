import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Conflict, type DockerEngine } from '@slipway/docker-engine';

/**
 * Images that builds here pulled by their digest to build on. An engine gives them no name, and does not tell them from what somebody else has pinned there: so
 * each is written down, in a file of its own.
 */
export class PulledBases {
  constructor(
    private readonly folder: string,
    private readonly images: Pick<DockerEngine['images'], 'remove'>,
  ) {}

  /** Keeps in mind that a build pulled this; what has a tag stays, as all that is named does. */
  async note(reference: string): Promise<void> {
    if (!reference.includes('@')) return;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeFile(join(this.folder, createHash('sha256').update(reference).digest('hex')), reference, { mode: 0o600 });
  }

  /** Removes those pulled before a moment that nothing on the engine uses or is built on; who needs one again pulls it. */
  async tidy(before: Date, signal: AbortSignal): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const file = join(this.folder, name);
      // Another replica may have the same folder.
      const noted = await stat(file).catch(() => undefined);
      if (noted === undefined || noted.mtime >= before) continue;
      try {
        await this.images.remove(await readFile(file, 'utf8'), { signal });
        await rm(file, { force: true });
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  }
}
