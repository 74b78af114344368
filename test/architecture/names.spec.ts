import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOfSource } from './house-rules.ts';
import { root } from './planted-tree.ts';

/** Pieced together, so that this file does not break the rules it plants. */
const mocking = `vi.${'mock'}('./x.js');`;
const spying = `vi.${'spyOn'}(clock, 'now');`;
const sleeping = `await new ${'Promise'}((done) => setTimeout(done, 100));`;

const violations: Record<string, [path: string, text: string, says: RegExp]> = {
  'a folder that names no purpose': ['apps/approval/src/utils/dates.ts', '', /"utils" names no purpose/],
  'a file that names no purpose': ['libs/postgres/src/helpers.ts', '', /"helpers" names no purpose/],
  'a lib that names no purpose': ['libs/common/src/index.ts', '', /"common" names no purpose/],
  'a service file': ['apps/approval/src/approval.service.ts', '', /"\.service" is no role/],
  'a dto file': ['apps/gateway/src/http/release.dto.ts', '', /"\.dto" is no role/],
  'an interface file': ['apps/gateway/src/release.interface.ts', '', /"\.interface" is no role/],
  'a file in camelCase': ['apps/gateway/src/releaseLedger.ts', '', /kebab-case/],
  'a handler of no event': ['apps/gateway/src/on-something-happened.ts', '', /there is no such event/],
  'a long file': ['apps/gateway/src/ledger.ts', '\n'.repeat(251), /251 lines; at most 250/],
  'a long spec': ['apps/gateway/src/ledger.spec.ts', '\n'.repeat(401), /401 lines; at most 400/],
  'a default export': ['apps/gateway/src/ledger.ts', 'export default class Ledger {}\n', /named exports only/],
  'a note of what to do later': ['apps/gateway/src/ledger.ts', `// ${'TODO'} later\n`, /is an issue/],
  'a mock': ['apps/gateway/src/ledger.spec.ts', mocking, /mocks our own code/],
  'a spy': ['apps/gateway/src/ledger.spec.ts', spying, /mocks our own code/],
  'a sleep': ['apps/gateway/src/ledger.spec.ts', sleeping, /sleeps/],
  'a sleep by another name': ['apps/gateway/src/ledger.int.spec.ts', `await ${'sleep'}(500);`, /sleeps/],
  'a test left out': ['apps/gateway/src/ledger.spec.ts', `it.${'only'}('x', () => {});`, /leaves tests out/],
};

const fine: Record<string, string> = {
  'apps/approval/src/on-verification-passed.ts': '',
  'apps/approval/src/on-verification-passed.int.spec.ts': '',
  'apps/approval/src/approval.module.ts': '',
  'apps/approval/src/http/approvals.controller.ts': '',
  'apps/approval/src/migrations/1764000000000-approval.ts': '\n'.repeat(400),
  'libs/messaging/src/event-log.contract.ts': `const stop = setTimeout(() => controller.abort(), 100);\n`,
};

describe('names and shapes', () => {
  it.each(Object.entries(violations))('refuse %s', (_, [path, text, says]) => {
    expect(faultsOfSource({ path, text }).join('\n')).toMatch(says);
  });

  it.each(Object.entries(fine))('let %s be', (path, text) => {
    expect(faultsOfSource({ path, text })).toEqual([]);
  });

  it('are right all over the house', async () => {
    const faults: string[] = [];
    for await (const path of glob(['{apps,libs}/*/src/**/*.ts', '{tools,test}/**/*.{ts,mjs}'], {
      cwd: root,
      exclude: (name) => /node_modules|dist/.test(String(name)),
    })) {
      faults.push(...faultsOfSource({ path, text: await readFile(join(root, path), 'utf8') }));
    }
    expect(faults.sort()).toEqual([]);
  });
});
