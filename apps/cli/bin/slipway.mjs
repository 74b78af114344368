#!/usr/bin/env node
// Kept apart from dist, so that npm can link the command before anything is compiled.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('slipway is not compiled yet. Run: npm run compile\n');
  process.exitCode = 1;
}
