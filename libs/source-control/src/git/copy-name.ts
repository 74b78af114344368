import { createHash } from 'node:crypto';
import type { Source } from '../source-control.js';

/** The folder a source's copy has: another one for whatever makes it another copy. */
export function copyName({ name, url, username = '', credentials = '', lfs }: Source): string {
  const identity = createHash('sha256').update([name, url, username, credentials, lfs ? 'lfs' : ''].join('\n'));
  return `${name.replace(/[^a-z0-9-]/gi, '_').slice(0, 40)}-${identity.digest('hex').slice(0, 20)}.git`;
}
