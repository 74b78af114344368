export { ProductionRolloutModule } from './production-rollout.module.js';
export { subscriptions } from './subscriptions.js';
