import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { NotifierModule } from './notifier.module.js';

await boot(NotifierModule);
