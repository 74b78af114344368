import 'reflect-metadata';

export { GatewayConfig } from './gateway.config.js';
export { GatewayModule } from './gateway.module.js';
export { subscriptions } from './subscriptions.js';
