import type { MigrationClass } from '@slipway/postgres';
import { Sources1764000000000 } from './1764000000000-sources.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [Sources1764000000000];
