import type { MigrationClass } from '@slipway/postgres';
import { TestDeployer1764000000000 } from './1764000000000-test-deployer.js';
import { RowSeals1764100000000 } from './1764100000000-row-seals.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [TestDeployer1764000000000, RowSeals1764100000000];
