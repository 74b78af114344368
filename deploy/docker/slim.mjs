// Takes out of a tree what only building and testing need, so that images hold what runs.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const forWork = ['.ci', '.git', '.nx', '.slipway', 'docs', 'test', 'tools', 'patches'];

for (const name of forWork) rmSync(join(root, name), { recursive: true, force: true });
for (const room of ['apps', 'libs']) {
  for (const name of readdirSync(join(root, room))) rmSync(join(root, room, name, 'src'), { recursive: true, force: true });
}
