import './source-loader.mjs';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * `node tools/docs/add-samples.ts` writes a sample beside the contracts for each event version that has none. A sample that is committed is
 * never changed: it stands for what lies in topics and journals already.
 */
const { catalog } = await import('@slipway/contracts');
const { root } = await import('./house.ts');
const { sampleOf } = await import('./sample-of.ts');
const folder = join(root, 'libs/contracts/samples');
await mkdir(folder, { recursive: true });
for (const event of catalog.values()) {
  const file = join(folder, `${event.name}.v${event.version}.json`);
  if (existsSync(file)) continue;
  const sample = sampleOf(event.data, [event.name]);
  const { error } = event.data.safeParse(sample);
  if (error) {
    console.error(`${event.name}: write its sample by hand; the one made is refused: ${error.message}`);
    process.exitCode = 1;
    continue;
  }
  await writeFile(file, `${JSON.stringify(sample, null, 2)}\n`);
  console.log(`written: ${file}`);
}
