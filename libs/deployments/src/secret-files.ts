import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { readSecret } from '@slipway/identity';

/** The file of a secret is not what was asked for: another value than the one signed off, or no file at all. */
export class SecretChanged extends Error {
  override readonly name = 'SecretChanged';
  /** It is read before anything is asked of the target. */
  readonly isOver = true;
}

/**
 * Secrets as files `<dir>/<project>/<name>` that only the service using them can read; one that others on the machine can reach is refused
 * (NotPrivate, which says the chmod). A version id is a keyed hash of the value: it changes with the value and says nothing about it
 * (design part 4, promise 7).
 */
export class SecretFiles {
  constructor(
    /** The folder of this service's own secrets. */
    private readonly dir: string,
    private readonly key: Buffer,
  ) {}

  /** The version id of each secret; null where there is no file. */
  async versions(project: string, names: readonly string[]): Promise<{ name: string; version: string | null }[]> {
    return Promise.all(names.map(async (name) => ({ name, version: this.versionOf(project, name, await this.content(project, name)) })));
  }

  /** The value of exactly that version. @throws SecretChanged when the file holds another one, or is gone. */
  async read(project: string, name: string, version: string): Promise<Uint8Array> {
    const value = await this.content(project, name);
    if (value === undefined)
      throw new SecretChanged(`secret ${project}/${name} is not there: put its value into ${join(this.dir, project, name)}, mode 0600`);
    if (this.versionOf(project, name, value) !== version)
      throw new SecretChanged(`secret ${project}/${name} has another value than the one that was signed off`);
    return value;
  }

  private versionOf(project: string, name: string, value: Uint8Array | undefined): string | null {
    if (value === undefined) return null;
    return createHmac('sha256', this.key).update(`${project}/${name}\0`).update(value).digest('base64url').slice(0, 22);
  }

  /** Names come from contracts, which allow no slash and no leading dot. */
  private content(project: string, name: string): Promise<Uint8Array | undefined> {
    return readSecret(this.dir, join(project, name));
  }
}
