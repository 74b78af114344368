import { z } from 'zod';

/** Why an environment changes: a grant lets a release in, or a rollback brings one back. */
export const RolloutKind = z.enum(['rollout', 'rollback']);
export type RolloutKind = z.infer<typeof RolloutKind>;
