import { describe, expect, it } from 'vitest';
import { runCommand } from './run-command.js';

const env = { PATH: process.env['PATH'] ?? '' };
/** Takes memory and keeps it, and says when it has it. */
const hungry = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 10)';

describe('a program', () => {
  it.each([
    ['that takes more memory than it may', ['-e', hungry]],
    ['whose child does', ['-e', `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(hungry)}])`]],
  ])('%s is ended', async (_, args) => {
    const command = { file: process.execPath, args, env, timeoutMs: 20_000, maxMemory: 300_000_000 };
    await expect(runCommand(command)).rejects.toMatchObject({ reason: 'too-large', message: expect.stringContaining('286 MiB') });
  });
});
