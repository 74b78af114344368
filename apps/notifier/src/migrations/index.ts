import type { MigrationClass } from '@slipway/postgres';
import { Notifier1764000000000 } from './1764000000000-notifier.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [Notifier1764000000000];
