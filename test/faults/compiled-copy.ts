import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { missingServices, root } from '../../tools/suite/services.ts';

/**
 * Copies what is compiled of this checkout into `folder`, and gives the folder: services run from it for minutes and are started again in it, whoever compiles
 * meanwhile. Packages that are not ours are shared. @throws Error naming the services that are not compiled.
 */
export async function compiledCopy(folder: string): Promise<string> {
  const missing = missingServices();
  if (missing.length > 0) throw new Error(`${missing.join(', ')} must be compiled first: npm run compile`);
  const modules = join(root, 'node_modules');
  const own = join(folder, 'node_modules', '@slipway');
  await mkdir(own, { recursive: true });
  for (const name of await readdir(modules)) {
    if (name !== '@slipway') await symlink(join(modules, name), join(folder, 'node_modules', name));
  }
  for (const room of ['libs', 'apps']) {
    for (const name of await readdir(join(root, room))) {
      const from = join(root, room, name);
      if (!existsSync(join(from, 'dist'))) continue;
      const to = join(folder, room, name);
      await cp(join(from, 'package.json'), join(to, 'package.json'));
      await cp(join(from, 'dist'), join(to, 'dist'), { recursive: true });
      await symlink(to, join(own, name));
    }
  }
  return folder;
}
