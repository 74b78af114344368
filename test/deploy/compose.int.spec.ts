import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Service, services } from '@slipway/contracts';
import { baseSettings, defaultPort, describeSettings } from '@slipway/service-kit';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { findCommand } from '../../tools/parts/processes.ts';
import { runnableServices } from '../../tools/suite/services.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const file = join(root, 'docker-compose.yml');

interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string; args: Record<string, string> };
  environment?: Record<string, string | number>;
  volumes?: string[];
  network_mode?: string;
  user?: string;
}

let composed: Record<string, ComposeService>;

beforeAll(async () => {
  const text = await readFile(file, 'utf8');
  composed = (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
});

describe('docker-compose.yml', () => {
  it.skipIf(findCommand('docker-compose') === undefined)('is valid to docker-compose itself', async () => {
    await expect(run('docker-compose', ['-f', file, 'config', '-q'], { timeout: 30_000 })).resolves.toMatchObject({ stderr: '' });
  });

  it.each(services)('runs %s from an image of its own, on its usual port', (service) => {
    expect(composed[service]?.build?.args['SERVICE']).toBe(service);
    expect(composed[service]?.image).toMatch(new RegExp(`^slipway/${service}:`));
    expect(composed[service]?.environment?.['PORT']).toBe(defaultPort(service));
  });

  it.each(services)('gives %s no folder with the keys of others', (service) => {
    const mounted = (composed[service]?.volumes ?? []).map((volume) => volume.replaceAll(/\$\{[^}]*\}/g, '/data').split(':')[0]);
    expect(mounted).toContain(`/data/setup/for/${service}`);
    expect(mounted.filter((folder) => folder?.startsWith('/data/setup') || folder === '/data')).toEqual([`/data/setup/for/${service}`]);
  });

  it.each(services)('lets %s reach no data and no secrets of others', (service) => {
    const mounted = (composed[service]?.volumes ?? []).map((volume) => volume.replaceAll(/\$\{[^}]*\}/g, '/data').split(':')[0] ?? '');
    const own = [`/data/data/${service}`, '/data/data/prometheus', `/data/secrets/${service}`];
    const inside = mounted.filter((folder) => /^\/data(\/(data|secrets)(\/|$)|$)/.test(folder));
    expect(inside.filter((folder) => !own.includes(folder))).toEqual([]);
    expect(composed[service]?.environment?.['SLIPWAY_DATA_DIR']).toMatch(/\/data\/\{service\}$/);
  });

  it.each(runnableServices())('sets nothing for %s that it does not know', async (service) => {
    const known = new Set((await settingsOf(service)).flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
    expect(Object.keys(composed[service]?.environment ?? {}).filter((name) => !known.has(name))).toEqual(shared(known));
  });

  it('lets nothing listen on other addresses than the loopback one', () => {
    const ports = Object.values(composed).flatMap((service) => (service as { ports?: string[] }).ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

/** What all services are given alike may be unknown to some. */
function shared(known: Set<string>): string[] {
  return ['SLIPWAY_REGISTRY'].filter((name) => !known.has(name));
}

async function settingsOf(service: Service): Promise<ReturnType<typeof describeSettings>> {
  const name = `${service
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('')}Config`;
  const module = (await import(join(root, 'apps', service, 'src', `${service}.config.ts`)).catch(() => ({}))) as Record<string, z.ZodType>;
  const own = module[name];
  return [...describeSettings(baseSettings(service)), ...(own === undefined ? [] : describeSettings(own))];
}
