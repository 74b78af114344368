export { Load, type LoadReport } from './load.js';
export { type Behaviour, SampleImages } from './sample-images.js';
