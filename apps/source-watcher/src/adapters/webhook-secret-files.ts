import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebhookSecrets } from '../ports.js';

/** Secrets as files `<project>/<name>` below SLIPWAY_SECRETS_DIR. Both names come from a checked project file and hold no slash. */
export class WebhookSecretFiles extends WebhookSecrets {
  constructor(private readonly folder: string) {
    super();
  }

  async read(project: string, name: string): Promise<Buffer | undefined> {
    const content = await readFile(join(this.folder, project, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    const secret = content?.replace(/\r?\n$/, '');
    return secret ? Buffer.from(secret, 'utf8') : undefined;
  }
}
