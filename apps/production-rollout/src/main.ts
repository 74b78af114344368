import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { ProductionRolloutModule } from './production-rollout.module.js';

await boot(ProductionRolloutModule);
