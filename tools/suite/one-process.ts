import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bootAll, type Environment } from '@slipway/service-kit';
import { root } from './services.ts';

/**
 * Runs several services in one process: `node one-process.ts <file>`, the file holding each service's environment as JSON by its name. What serves a
 * service's module is what its own main.ts boots.
 */
type Root = Extract<Parameters<typeof bootAll>[0][number], { environment: Environment }>['root'];

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file with the environments of the services.');
const environments = JSON.parse(await readFile(file, 'utf8')) as Record<string, Environment>;
const roots = await Promise.all(
  Object.entries(environments).map(async ([service, environment]) => ({ root: await moduleOf(service), environment })),
);
await bootAll(roots);

async function moduleOf(service: string): Promise<Root> {
  const name = `${service
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('')}Module`;
  const module = (await import(pathToFileURL(join(root, 'apps', service, 'dist', `${service}.module.js`)).href)) as Record<
    string,
    Root | undefined
  >;
  const found = module[name];
  if (found === undefined) throw new Error(`apps/${service}/src/${service}.module.ts does not export ${name}.`);
  return found;
}
