import { z } from 'zod';

/** The processes that write events, by the names they sign with (design part 1). */
export const services = [
  'source-watcher',
  'image-builder',
  'test-deployer',
  'approval',
  'production-rollout',
  'gateway',
  'notifier',
] as const;

export const Service = z.enum(services);
export type Service = z.infer<typeof Service>;
