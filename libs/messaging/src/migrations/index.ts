import type { MigrationClass } from '@slipway/postgres';
import { CreateMessaging1763800000000 } from './1763800000000-create-messaging.js';
import { Forget1764800000000 } from './1764800000000-forget.js';
import { SaidPlace1765800000000 } from './1765800000000-said-place.js';

/** To be run first, as `database.migrate(messagingMigrations, 'messaging')`. */
export const messagingMigrations: readonly MigrationClass[] = [CreateMessaging1763800000000, Forget1764800000000, SaidPlace1765800000000];
