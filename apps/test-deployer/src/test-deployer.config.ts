import { TargetSettings } from '@slipway/deployments';

/** The settings of test-deployer beyond those of every service. */
export const TestDeployerConfig = TargetSettings;
