export { subscriptions } from './subscriptions.js';
export { TestDeployerModule } from './test-deployer.module.js';
