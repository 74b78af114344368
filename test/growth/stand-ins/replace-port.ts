import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What Nest keeps of a module under this name: its providers. */
const providersKey = 'providers';

interface Provider {
  readonly provide?: unknown;
}

interface Reflection {
  getMetadata(key: string, of: object): readonly (Provider | object)[];
  defineMetadata(key: string, value: unknown, of: object): void;
}

/**
 * Boots a service as its own main.ts does, with the adapter of one port replaced. The service comes from the compiled checkout that
 * GROWTH_CHECKOUT names.
 * @throws Error where its module has no such port, so that nothing real runs where a stand-in was meant.
 */
export async function bootWith(service: string, port: string, standIn: () => object): Promise<void> {
  const app = (file: string) => compiled(`apps/${service}/dist/${file}.js`);
  const { boot } = (await compiled('libs/service-kit/dist/index.js')) as { boot(module: object): Promise<unknown> };
  const name = `${service.split('-').map(capitalised).join('')}Module`;
  const module = (await app(`${service}.module`))[name] as object;
  const token = (await app('ports'))[port];
  const reflect = Reflect as unknown as Reflection;
  const providers = reflect.getMetadata(providersKey, module);
  const replaced = providers.map((each) => ('provide' in each && each.provide === token ? { provide: token, useFactory: standIn } : each));
  if (token === undefined || replaced.every((each, at) => each === providers[at])) throw new Error(`${name} provides no ${port}`);
  reflect.defineMetadata(providersKey, replaced, module);
  await boot(module);
}

/** A module of the checkout that is run. */
export async function compiled(path: string): Promise<Record<string, unknown>> {
  const checkout = process.env['GROWTH_CHECKOUT'];
  if (checkout === undefined) throw new Error('GROWTH_CHECKOUT names the compiled checkout');
  return (await import(pathToFileURL(join(checkout, path)).href)) as Record<string, unknown>;
}

function capitalised(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
