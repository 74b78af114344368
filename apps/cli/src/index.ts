export { exitCodes } from './exit.js';
export { run } from './program.js';
export type { Sink, Surroundings } from './surroundings.js';
