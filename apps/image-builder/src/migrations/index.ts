import type { MigrationClass } from '@slipway/postgres';
import { ImageBuilder1764000000000 } from './1764000000000-image-builder.js';
import { RetiredImages1764200000000 } from './1764200000000-retired-images.js';
import { RowSeals1764300000000 } from './1764300000000-row-seals.js';
import { SealsOfRetirements1764400000000 } from './1764400000000-seals-of-retirements.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [
  ImageBuilder1764000000000,
  RetiredImages1764200000000,
  RowSeals1764300000000,
  SealsOfRetirements1764400000000,
];
