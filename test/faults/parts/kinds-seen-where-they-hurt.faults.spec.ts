import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { services } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataDir, temporaryDataDir } from '../../../tools/parts/data-dir.ts';
import { freePort } from '../../../tools/parts/ports.ts';
import { type Child, startProcess } from '../../../tools/parts/processes.ts';
import type { Chance, Fault, FaultContext, FaultyParts, Replica } from '../fault.js';
import { startFaultyParts } from './index.js';

const chance: Chance = { whole: (least) => least, one: (of) => of[0] as (typeof of)[number] };
const signal = new AbortController().signal;
const service = services[0];

let dataDir: DataDir;
let parts: FaultyParts;
/** Serves HTTP by the clock of a service, as that service would. */
let process: Child;
let url: string;

beforeAll(async () => {
  dataDir = await temporaryDataDir('kinds');
  parts = await startFaultyParts({ dataDir, say: () => undefined, signal });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const env = parts.settings(service, 1, { DATABASE_URL: parts.databaseUrl });
  const program = `require('node:http').createServer((_, answer) => answer.end()).listen(${port}, '127.0.0.1')`;
  process = await startProcess(dataDir, { name: 'server', command: globalThis.process.execPath, args: ['--eval', program], env });
  await eventually(() => fetch(url).then(({ ok }) => ok), { within: 10_000 });
}, 300_000);
afterAll(async () => {
  await process?.stop();
  await parts?.close();
  await dataDir?.close();
}, 180_000);

async function whileItLasts(name: string, look: () => Promise<void>): Promise<Fault> {
  const fault = parts.kinds.find((kind) => kind.name === name)?.make(chance, 5);
  if (fault === undefined) throw new Error(`there is no fault called ${name}: ${parts.missing.join('; ')}`);
  const replica: Replica = {
    service,
    number: 1,
    pid: process.pid,
    url,
    restarts: 0,
    ended: process.exited,
    send: () => true,
    ready: async () => {},
  };
  const suite = { replicas: [replica], topicPrefix: '', databaseUrl: parts.databaseUrl, logs: dataDir.logs };
  const context: FaultContext = { say: () => undefined, signal, suite, hold: async () => undefined };
  try {
    await fault.begin(context);
    await look();
  } finally {
    await fault.end();
  }
  return fault;
}

/** How far the clock of that process is from ours, in seconds. */
async function ahead(): Promise<number> {
  return Math.round((Date.parse((await fetch(url)).headers.get('date') ?? '') - Date.now()) / 1000);
}

describe('whoever looks where it hurts', () => {
  it('sees the clock of a service jump, and come back', { timeout: 60_000 }, async () => {
    const fault = await whileItLasts('clock of a service jumps', async () => expect(await ahead()).toBeGreaterThan(3500));
    expect(fault.hurt?.()).toBe(1);
    await eventually(async () => Math.abs(await ahead()) < 5, { within: 10_000 });
  });

  it('cannot write another byte to the full disk of a service, and can afterwards', { timeout: 60_000 }, async () => {
    const folder = parts.settings('source-watcher', 1, { DATABASE_URL: parts.databaseUrl })['SLIPWAY_DATA_DIR'] ?? '';
    const write = () => writeFile(join(folder, 'page'), Buffer.alloc(8192));
    // As the service does, who is asked in the end how often it was refused.
    const refused = () => write().catch((error: Error) => writeFile(join(dataDir.logs, 'source-watcher.log'), `${error.message}\n`));
    const fault = await whileItLasts('disk of services full', async () => {
      await expect(write()).rejects.toThrow('ENOSPC');
      await refused();
    });
    expect(fault.hurt?.()).toBe(1);
    await write();
    expect(await readFile(join(folder, 'page'))).toHaveLength(8192);
    await rm(join(folder, 'page'));
  });

  it('finds a manifest lost and there again, and a tag that names something else', { timeout: 60_000 }, async () => {
    const digest = await anImage();
    const found = (reference: string) => fetch(at(`manifests/${reference}`), { method: 'HEAD', headers: { accept: type } });
    const fault = await whileItLasts('registry manifest lost', async () => expect((await found(digest)).status).toBe(404));
    expect(fault.hurt?.()).toBe(1);
    expect((await found(digest)).status).toBe(200);
    await whileItLasts('registry tag overwritten', async () => {});
    const { headers, status } = await found('v1');
    expect({ status, same: headers.get('docker-content-digest') === digest }).toEqual({ status: 200, same: false });
  });
});

const type = 'application/vnd.oci.image.manifest.v1+json';
const at = (path: string) => `http://${parts.straight.registry}/v2/page/${path}`;

/** The smallest image there is, as `v1`; gives its digest. */
async function anImage(): Promise<string> {
  const config = '{}';
  const blob = `sha256:${createHash('sha256').update(config).digest('hex')}`;
  const upload = await fetch(at('blobs/uploads/'), { method: 'POST' });
  const place = new URL(upload.headers.get('location') ?? '');
  place.searchParams.set('digest', blob);
  expect((await fetch(place, { method: 'PUT', body: config })).status).toBe(201);
  const of = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: blob, size: config.length };
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config: of, layers: [] });
  const answer = await fetch(at('manifests/v1'), { method: 'PUT', body, headers: { 'content-type': type } });
  expect(answer.status).toBe(201);
  return answer.headers.get('docker-content-digest') ?? '';
}
