import { join } from 'node:path';
import { readSecret } from '@slipway/identity';
import { WebhookSecrets } from '../ports.js';

/** Secrets as files `<project>/<name>` below the service's folder of secrets. Both names come from a checked project file and hold no slash. */
export class WebhookSecretFiles extends WebhookSecrets {
  constructor(private readonly folder: string) {
    super();
  }

  async read(project: string, name: string): Promise<Buffer | undefined> {
    const content = await readSecret(this.folder, join(project, name));
    const secret = content?.toString('utf8').replace(/\r?\n$/, '');
    // In memory of its own: who remembers a piece of Node's pool keeps all 64 KiB of it.
    return secret ? Buffer.from(new TextEncoder().encode(secret).buffer) : undefined;
  }
}
