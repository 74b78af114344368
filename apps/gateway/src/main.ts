import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { GatewayModule } from './gateway.module.js';

await boot(GatewayModule);
