import { z } from 'zod';

const flag = z.enum(['0', '1', 'false', 'true']).transform((said) => said === '1' || said === 'true');

/** The settings of the gateway beyond those of every service. */
export const GatewayConfig = z.object({
  SLIPWAY_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where people reach the gateway, for links. Default: http://127.0.0.1 and PORT')
    .meta({ example: 'https://slipway.example' }),
  SLIPWAY_SOURCE_WATCHER_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://127.0.0.1:8081')
    .describe('Where source-watcher takes webhooks; /webhooks and /subversion are forwarded to it byte for byte'),
  SLIPWAY_WEBHOOK_LIMIT: z.coerce.number().int().min(1024).default(2_097_152).describe('Largest webhook, in bytes'),
  SLIPWAY_EMBEDDED_POSTGRES: flag
    .default(false)
    .describe('1 where the database is the embedded one; doctor then says that lasting use wants DATABASE_URL'),
  SLIPWAY_DB_SINGLE_ROLE: flag.default(false).describe('1 where all services share one database role; doctor says so'),
  SLIPWAY_JOURNAL_MONTHS: z.coerce
    .number()
    .int()
    .min(0)
    .max(1200)
    .default(12)
    .describe(
      'Months the journal stays in Postgres; older ones move to files in SLIPWAY_DATA_DIR/journal, to be backed up. 0: all of it stays',
    ),
  SLIPWAY_KEEP_LOGS_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(180)
    .describe('How long logs of builds and containers are kept, in days'),
  SLIPWAY_KEEP_LOGS_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(10_240)
    .describe('What the logs of builds and containers may take in the database, compressed, in MiB; the oldest go first'),
  SLIPWAY_KEEP_IMAGES_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3650)
    .default(180)
    .describe('How long the image of a release that is over stays in the registry, in days since it last moved. 0: all images stay'),
  SLIPWAY_KEEP_IMAGES: z.coerce
    .number()
    .int()
    // What runs, and what came before it.
    .min(2)
    .max(50)
    .default(10)
    .describe('Of each environment so many of the images that came up there last stay, however old: what a rollback can go back to'),
  SLIPWAY_LEDGER_REBUILD: flag
    .default(false)
    .describe(
      '1 to fold the ledger anew from the journal after the start, as `slipway ledger rebuild` does; it is good while nobody can sign in',
    ),
  SLIPWAY_CHECK_ANSWERS: flag.default(false).describe('1 to check every answer against the schema of its route; for tests'),
});
