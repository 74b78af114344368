import type { MigrationClass } from '@slipway/postgres';
import { Approval1764000000000 } from './1764000000000-approval.js';
import { CommitsOfARelease1764100000000 } from './1764100000000-commits-of-a-release.js';
import { RowSeals1764200000000 } from './1764200000000-row-seals.js';
import { LineOfARequest1764300000000 } from './1764300000000-line-of-a-request.js';
import { WhatIsHeard1764400000000 } from './1764400000000-what-is-heard.js';
import { MergedReleases1764500000000 } from './1764500000000-merged-releases.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [
  Approval1764000000000,
  CommitsOfARelease1764100000000,
  RowSeals1764200000000,
  LineOfARequest1764300000000,
  WhatIsHeard1764400000000,
  MergedReleases1764500000000,
];
