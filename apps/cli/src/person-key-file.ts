import { join } from 'node:path';
import { configFolder } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** Where the person's own signing key is unless another file is named. */
export function personKeyFile(around: Pick<Surroundings, 'env' | 'home'>): string {
  return join(configFolder(around), 'signing-key.json');
}
