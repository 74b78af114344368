import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebhookSecretFiles } from './webhook-secret-files.js';

it('keeps of a secret its own bytes in memory, and nothing around them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'webhook-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'shop'), { mode: 0o700 });
  await writeFile(join(folder, 'shop', 'webhook'), 'sésame\n', { mode: 0o600 });
  const secret = await new WebhookSecretFiles(folder).read('shop', 'webhook');
  expect(secret?.toString('utf8')).toBe('sésame');
  expect(secret?.buffer.byteLength).toBe(Buffer.byteLength('sésame'));
});
