import type { MigrationClass } from '@slipway/postgres';
import { Sources1764000000000 } from './1764000000000-sources.js';
import { RowSeals1764100000000 } from './1764100000000-row-seals.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [Sources1764000000000, RowSeals1764100000000];
