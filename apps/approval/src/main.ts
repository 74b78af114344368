import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { ApprovalModule } from './approval.module.js';

await boot(ApprovalModule);
