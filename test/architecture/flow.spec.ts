import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defineEvent, type Service } from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asyncApi } from '../../tools/docs/asyncapi.ts';
import { flowFaults, flowPage } from '../../tools/docs/flow.ts';
import { type House, readHouse, root } from '../../tools/docs/house.ts';
import { generatedPages } from '../../tools/docs/pages.ts';

class OnLetterWritten {
  async handle(): Promise<void> {}
}

/** A house with one event, to plant faults in. */
function aHouse(source: string, hearers: readonly Service[], information = false): House {
  const event = defineEvent({
    name: 'letter.written',
    writer: 'approval',
    topic: 'home',
    about: 'release',
    data: z.object({}),
    information,
  });
  const services: Service[] = ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout', 'gateway', 'notifier'];
  const tables = new Map(
    services.map((service) => [service, subscribe(service, hearers.includes(service) ? [on(event, OnLetterWritten)] : [])]),
  );
  const file = 'libs/contracts/src/approval/letter-written.ts';
  return {
    events: [{ event, constant: 'LetterWritten', file, meaning: 'x' }],
    tables,
    settings: new Map(),
    sources: new Map([['apps/approval/src/telling.ts', source]]),
  };
}

const published = 'unit.publish(LetterWritten, { subject, data });';

/** What the published schema of AsyncAPI 3 says against a document. */
function asyncApiFaults(document: unknown): unknown[] {
  const file = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0.json');
  const ajv = new Ajv({ meta: false, validateSchema: false, strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  validate(document);
  return validate.errors ?? [];
}

describe('a planted flow', () => {
  it.each([
    published,
    'await this.say(unit, LetterWritten, {});',
    'return { event: LetterWritten, data };',
    'unit.publish(isNew ? LetterWritten : LetterRead, said);',
    'publish(\n  LetterWritten,\n  said,\n);',
  ])('is right where the event is said (%s) and heard', (source) => {
    expect(flowFaults(aHouse(source, ['test-deployer']))).toEqual([]);
  });

  it.each([
    '',
    "import { LetterWritten } from '@slipway/contracts';",
    "import {\n  LetterRead,\n  LetterWritten,\n} from '@slipway/contracts';",
    'handle(event: Received<typeof LetterWritten>): void {}',
    'const said: DataOf<typeof LetterWritten> = x;',
    'if (event.name === LetterWritten.name) return;',
  ])('is caught where nobody says the event (%s)', (source) => {
    expect(flowFaults(aHouse(source, ['test-deployer'])).join()).toMatch(/letter\.written: nobody publishes it/);
  });

  it('is caught where only another service says the event', () => {
    const house = aHouse('', ['test-deployer']);
    expect(flowFaults({ ...house, sources: new Map([['apps/gateway/src/x.ts', published]]) }).join()).toMatch(/nobody publishes it/);
  });

  it('is caught where nobody but gateway and notifier wants the event', () => {
    expect(flowFaults(aHouse(published, ['gateway', 'notifier'])).join()).toMatch(/no service but gateway and notifier wants it/);
  });

  it('is right where the event is marked as information', () => {
    expect(flowFaults(aHouse(published, ['gateway'], true))).toEqual([]);
  });

  it('is caught where a service has no table', () => {
    const house = aHouse(published, ['test-deployer']);
    const tables = new Map([...house.tables].filter(([service]) => service !== 'approval'));
    expect(flowFaults({ ...house, tables }).join()).toMatch(/apps\/approval\/src\/subscriptions\.ts is missing/);
  });

  it('is drawn', () => {
    expect(flowPage(aHouse(published, ['test-deployer']))).toContain('  approval -- "letter.written" --> test-deployer');
  });

  it('says how much those hear that are left out of the drawing', () => {
    expect(flowPage(aHouse(published, ['gateway']))).toContain('gateway hears everything, notifier hears nothing;');
    const house = aHouse(published, ['notifier']);
    const unheard = {
      ...house,
      events: [...house.events, { ...house.events[0], event: { ...house.events[0]?.event, name: 'letter.read' } }],
    };
    expect(flowPage(unheard as House)).toContain('notifier hears 1 of the 2 events, which the table names;');
  });
});

describe('the flow of events', () => {
  let house: House;
  beforeAll(async () => {
    house = await readHouse();
  });

  it('has somebody who says and somebody who wants each event', () => {
    expect(flowFaults(house)).toEqual([]);
  });

  it('tells of each event what it means', () => {
    expect(house.events.filter((told) => told.meaning.length < 15).map((told) => told.event.name)).toEqual([]);
  });

  it('is what AsyncAPI 3 wants it to be, reference by reference', () => {
    const document = asyncApi(house);
    expect(asyncApiFaults(document)).toEqual([]);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    const lost = [...references]
      .map(([, path = '']) => path)
      .filter((path) => path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document) === undefined);
    expect(lost).toEqual([]);
  });

  it('is caught where AsyncAPI 3 does not want it', () => {
    const broken = { ...asyncApi(house), operations: { x: { action: 'shout', channel: { $ref: '#/channels/builds' } } } };
    expect(asyncApiFaults(broken)).not.toEqual([]);
  });

  it('is what docs/ says (node tools/docs/generate.ts --write)', async () => {
    const stale: string[] = [];
    for (const [path, text] of generatedPages(house)) {
      const written = await readFile(join(root, path), 'utf8').catch(() => '');
      if (written !== text) stale.push(path);
    }
    expect(stale).toEqual([]);
  });
});
