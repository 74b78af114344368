// Prepares the machine and then runs a program on the Node that the npm packages bring.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, SetupError } from './install.mjs';
import { whyNotOn } from './machine.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** The words a program was started with; where they ask for help, that is written instead and this process ends. `help`: its file, below the root. */
export function wordsUnlessHelp(help) {
  const words = process.argv.slice(2);
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(readFileSync(join(root, help), 'utf8'));
    process.exit(0);
  }
  return words;
}

/** Prepares, runs each program in turn while they succeed, and ends this process as the last one ended. */
export async function launch(needs, programs) {
  const whyNot = whyNotOn();
  if (whyNot) {
    process.stderr.write(`${whyNot}\n`);
    process.exit(1);
  }
  let node;
  try {
    node = await prepare(needs);
  } catch (error) {
    process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
    process.exit(1);
  }
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` };
  for (const args of programs) {
    const end = await runOn(node, args, env);
    if (end.signal) return process.kill(process.pid, end.signal);
    if (end.code !== 0) process.exit(end.code);
  }
}

/** Compiles everything and runs `test/<tier>/main.ts` with the words this process was started with; its help is beside it. */
export async function launchTier(tier, needs, nodeOptions = []) {
  const words = wordsUnlessHelp(`test/${tier}/help.txt`);
  await launch(needs, [
    [join(root, 'node_modules/typescript/bin/tsc'), '-b', '--singleThreaded'],
    [...nodeOptions, join(root, `test/${tier}/main.ts`), ...words],
  ]);
}

/** Runs a program and passes on the signals that would end us, so that it can tidy up; then says how it ended. */
function runOn(node, args, env) {
  return new Promise((done) => {
    const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
    const pass = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    const end = (result) => {
      for (const signal of signals) process.off(signal, pass);
      done(result);
    };
    child.once('error', (error) => {
      process.stderr.write(`${node} could not be run: ${error.message}\n`);
      end({ code: 127 });
    });
    child.once('exit', (code, signal) => end({ code, signal }));
  });
}
