export { SourceWatcherModule } from './source-watcher.module.js';
export { subscriptions } from './subscriptions.js';
