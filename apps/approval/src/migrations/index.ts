import type { MigrationClass } from '@slipway/postgres';
import { Approval1764000000000 } from './1764000000000-approval.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [Approval1764000000000];
