import type { ConfigOf } from '@slipway/service-kit';
import { z } from 'zod';

/** Settings of source-watcher beside those every service has. */
export const SourceWatcherConfig = z.object({
  SLIPWAY_SOURCE_FILE_FOLDERS: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((folder) => folder.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.string().startsWith('/', 'each folder is an absolute path')))
    .describe('Folders below which file:// sources are allowed, separated by commas; none by default'),
  SLIPWAY_SOURCE_CA_FILE: z.string().min(1).optional().describe('Certificates (PEM) that https sources are checked with'),
  SLIPWAY_MIRROR_LIMIT: z.coerce
    .number()
    .int()
    .min(1_048_576)
    .default(4 * 1024 ** 3)
    .describe('Largest copy of one Git repository, in bytes'),
  SLIPWAY_WEBHOOK_LIMIT: z.coerce
    .number()
    .int()
    .min(1_024)
    .max(26_214_400)
    .default(2_097_152)
    .describe('Largest body of a webhook, in bytes'),
});
export type SourceWatcherConfig = ConfigOf<typeof SourceWatcherConfig>;
