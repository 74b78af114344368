export { ImageBuilderModule } from './image-builder.module.js';
export { subscriptions } from './subscriptions.js';
