import { Operation1700000000000 } from './1700000000000-operation.js';
import { Finished1764800000000 } from './1764800000000-finished.js';
import { Away1764900000000 } from './1764900000000-away.js';
import { ProgressSeal1765000000000 } from './1765000000000-progress-seal.js';
import { Armed1765100000000 } from './1765100000000-armed.js';
import { Place1765200000000 } from './1765200000000-place.js';

/** Run by service-kit before a service's own: `database.migrate(migrations, 'operations')`. */
export const migrations = [
  Operation1700000000000,
  Finished1764800000000,
  Away1764900000000,
  ProgressSeal1765000000000,
  Armed1765100000000,
  Place1765200000000,
];
