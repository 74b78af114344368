import type { MigrationClass } from '@slipway/postgres';
import { ImageBuilder1764000000000 } from './1764000000000-image-builder.js';

/** In order; never changed once landed. */
export const migrations: MigrationClass[] = [ImageBuilder1764000000000];
