export { NotifierModule } from './notifier.module.js';
export { subscriptions } from './subscriptions.js';
