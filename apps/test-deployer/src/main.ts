import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { TestDeployerModule } from './test-deployer.module.js';

await boot(TestDeployerModule);
