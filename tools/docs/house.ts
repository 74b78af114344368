import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catalog, type EventDefinition, type Service, services } from '@slipway/contracts';
import type { Subscriptions } from '@slipway/service-kit';
import type { z } from 'zod';

/** The root of the repository. */
export const root = join(import.meta.dirname, '..', '..');

/** An event as its contract file tells it. */
export interface Told {
  readonly event: EventDefinition;
  /** `ImageBuilt`. */
  readonly constant: string;
  /** From the root, `libs/contracts/src/image-builder/image-built.ts`. */
  readonly file: string;
  /** The file's doc comment as one line. */
  readonly meaning: string;
}

/** All that the generated pages are made of, as the code says it. */
export interface House {
  readonly events: readonly Told[];
  /** Each service's subscription table, where it has one. */
  readonly tables: ReadonlyMap<Service, Subscriptions>;
  /** Each service's settings beyond those all have. */
  readonly settings: ReadonlyMap<Service, z.ZodType>;
  /** Sources without specs, by path from the root. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Reads the house. Imports the services' subscriptions and settings, so it must run where TypeScript with decorators does. */
export async function readHouse(): Promise<House> {
  const sources = await readSources();
  const events = [...catalog.values()]
    .map((event) => told(event, sources))
    .sort((one, other) => one.event.name.localeCompare(other.event.name));
  const tables = new Map<Service, Subscriptions>();
  const settings = new Map<Service, z.ZodType>();
  for (const service of services) {
    const table = await exportOf(service, 'subscriptions.ts', (name) => name === 'subscriptions');
    if (table) tables.set(service, table as Subscriptions);
    const config = await exportOf(service, `${service}.config.ts`, (name) => name.endsWith('Config'));
    if (config) settings.set(service, config as z.ZodType);
  }
  return { events, tables, settings, sources };
}

/** `image.built` → `ImageBuilt`. */
export function constantOf(name: string): string {
  return name
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** `image.built` → `image-built`. */
export function fileNameOf(name: string): string {
  return name.replaceAll('.', '-');
}

async function readSources(): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for await (const path of glob(['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: root })) {
    if (!/\.(spec|contract)\.ts$/.test(path)) sources.set(path, await readFile(join(root, path), 'utf8'));
  }
  return new Map([...sources].sort(([one], [other]) => one.localeCompare(other)));
}

function told(event: EventDefinition, sources: ReadonlyMap<string, string>): Told {
  const constant = constantOf(event.name);
  const file = `libs/contracts/src/${event.writer}/${fileNameOf(event.name)}.ts`;
  const [, comment = ''] =
    new RegExp(String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*export const ${constant}\b`).exec(sources.get(file) ?? '') ?? [];
  const meaning = comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .filter((line) => line !== '')
    .join(' ');
  return { event, constant, file, meaning };
}

async function exportOf(service: Service, file: string, wanted: (name: string) => boolean): Promise<unknown> {
  const path = join(root, 'apps', service, 'src', file);
  if (!existsSync(path)) return undefined;
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  return Object.entries(module).find(([name]) => wanted(name))?.[1];
}
