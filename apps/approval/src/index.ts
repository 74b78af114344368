export { ApprovalModule } from './approval.module.js';
export { subscriptions } from './subscriptions.js';
