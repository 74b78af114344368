import type { MigrationClass } from '@slipway/postgres';
import { ProductionRollout1764000000000 } from './1764000000000-production-rollout.js';
import { RequestEnds1764100000000 } from './1764100000000-request-ends.js';
import { RowSeals1764200000000 } from './1764200000000-row-seals.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [ProductionRollout1764000000000, RequestEnds1764100000000, RowSeals1764200000000];
