import { TargetSettings } from '@slipway/deployments';

/** The settings of production-rollout beyond those of every service. */
export const ProductionRolloutConfig = TargetSettings;
