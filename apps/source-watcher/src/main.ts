import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { SourceWatcherModule } from './source-watcher.module.js';

await boot(SourceWatcherModule);
