import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/**
 * Runs beside the event loop, because a loop that stands still cannot tell. Counts its own ticks without a beat, so that a process
 * that was suspended as a whole (SIGSTOP, a sleeping laptop) is not taken for a stalled one.
 */
const program = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const beats = new Int32Array(workerData.beats);
let seen = -1, missed = 0;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  missed = now === seen ? missed + 1 : 0;
  seen = now;
  if (missed * workerData.everyMs < workerData.stallMs) return;
  writeSync(2, JSON.stringify({ level: 'fatal', service: workerData.service, msg: 'the event loop stood still for ' + workerData.stallMs / 1000 + ' s; ending the process so that its work is taken over' }) + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, workerData.everyMs);
`;

/** Ends the process when its event loop stands still for `stallMs`: better gone, with its leases taken over, than half alive. Returns what stops it. */
export function watchEventLoop(service: string, stallMs: number): () => void {
  const everyMs = Math.min(5_000, stallMs / 4);
  const beats = new SharedArrayBuffer(4);
  const counter = new Int32Array(beats);
  const worker = new Worker(program, {
    eval: true,
    execArgv: [], // loaders and flags of the process are not for this
    workerData: { beats, everyMs, stallMs, service },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  worker.unref();
  worker.on('error', (error) => writeSync(2, `the watchdog of ${service} is gone: ${error.message}\n`));
  const timer = setInterval(() => Atomics.add(counter, 0, 1), everyMs / 2).unref();
  return () => {
    clearInterval(timer);
    void worker.terminate();
  };
}
