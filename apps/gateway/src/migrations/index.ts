import type { MigrationClass } from '@slipway/postgres';
import { Gateway1764000000000 } from './1764000000000-gateway.js';
import { PlaceOfAnEvent1764100000000 } from './1764100000000-place-of-an-event.js';
import { SourceTold1764200000000 } from './1764200000000-source-told.js';
import { AgeOfALog1764300000000 } from './1764300000000-age-of-a-log.js';
import { RowSeals1764400000000 } from './1764400000000-row-seals.js';
import { RetiredReleases1764500000000 } from './1764500000000-retired-releases.js';
import { RequestsByState1764600000000 } from './1764600000000-requests-by-state.js';
import { NeededImages1764700000000 } from './1764700000000-needed-images.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [
  Gateway1764000000000,
  PlaceOfAnEvent1764100000000,
  SourceTold1764200000000,
  AgeOfALog1764300000000,
  RowSeals1764400000000,
  RetiredReleases1764500000000,
  RequestsByState1764600000000,
  NeededImages1764700000000,
];
