import 'reflect-metadata';
import { boot } from '@slipway/service-kit';
import { ImageBuilderModule } from './image-builder.module.js';

await boot(ImageBuilderModule);
