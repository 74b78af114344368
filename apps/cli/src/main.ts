import { exitCodes } from './exit.js';
import { run } from './program.js';
import { processSurroundings } from './surroundings.js';

const exit = await run(process.argv.slice(2), processSurroundings());
process.exitCode = exit;
// What was interrupted may still hold a connection or a timer.
if (exit === exitCodes.interrupted) process.exit();
