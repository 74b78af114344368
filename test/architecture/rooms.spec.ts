import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finding, PlantedTree } from './planted-tree.ts';

/** One violation of every rule between rooms (design part 2), each in a file of its own. */
const violations: Record<string, { file: string; text: string; says: RegExp }> = {
  'an app imports another app by name': {
    file: 'apps/approval/src/a1.ts',
    text: `import '@slipway/gateway';\n`,
    says: /nobody imports an app/,
  },
  'an app imports another app by path': {
    file: 'apps/approval/src/a2.ts',
    text: `import '../../gateway/src/index.js';\n`,
    says: /nobody imports an app/,
  },
  'an app imports the type of another app': {
    file: 'apps/approval/src/a3.ts',
    text: `import type { X } from '@slipway/notifier';\nexport type Y = X;\n`,
    says: /nobody imports an app/,
  },
  'an app re-exports another app': {
    file: 'apps/approval/src/a4.ts',
    text: `export * from '@slipway/notifier';\n`,
    says: /nobody imports an app/,
  },
  'an app loads another app at run time': {
    file: 'apps/approval/src/a5.ts',
    text: `export const load = () => import('@slipway/notifier');\n`,
    says: /nobody imports an app/,
  },
  'a lib imports an app': { file: 'libs/postgres/src/b1.ts', text: `import '@slipway/approval';\n`, says: /nobody imports an app/ },
  'messaging imports an app': { file: 'libs/messaging/src/b2.ts', text: `import '@slipway/approval';\n`, says: /nobody imports an app/ },
  'docker-engine imports an app': {
    file: 'libs/docker-engine/src/b3.ts',
    text: `import '@slipway/approval';\n`,
    says: /nobody imports an app/,
  },
  'an app knows kafkajs': { file: 'apps/approval/src/c1.ts', text: `import 'kafkajs';\n`, says: /only libs\/messaging knows kafkajs/ },
  'a handler knows kafkajs': {
    file: 'apps/approval/src/on-c2.ts',
    text: `import 'kafkajs';\n`,
    says: /only libs\/messaging knows kafkajs/,
  },
  'an adapter knows kafkajs': {
    file: 'apps/approval/src/adapters/c3.ts',
    text: `import 'kafkajs';\n`,
    says: /only libs\/messaging knows kafkajs/,
  },
  'a lib knows kafkajs': { file: 'libs/operations/src/c4.ts', text: `import 'kafkajs';\n`, says: /only libs\/messaging knows kafkajs/ },
  'docker-engine knows kafkajs': {
    file: 'libs/docker-engine/src/c5.ts',
    text: `import 'kafkajs';\n`,
    says: /only libs\/messaging knows kafkajs/,
  },
  'an app knows dockerode': {
    file: 'apps/image-builder/src/d1.ts',
    text: `import 'dockerode';\n`,
    says: /only libs\/docker-engine knows dockerode/,
  },
  'an adapter knows dockerode': {
    file: 'apps/image-builder/src/adapters/d2.ts',
    text: `import 'dockerode';\n`,
    says: /only libs\/docker-engine knows dockerode/,
  },
  'orchestrators know dockerode': {
    file: 'libs/orchestrators/src/docker/d3.ts',
    text: `import 'dockerode';\n`,
    says: /only libs\/docker-engine knows dockerode/,
  },
  'messaging knows dockerode': {
    file: 'libs/messaging/src/d4.ts',
    text: `import 'dockerode';\n`,
    says: /only libs\/docker-engine knows dockerode/,
  },
  'contracts import a lib': { file: 'libs/contracts/src/e1.ts', text: `import '@slipway/release';\n`, says: /contracts imports zod only/ },
  'contracts import Node': { file: 'libs/contracts/src/e2.ts', text: `import 'node:fs';\n`, says: /contracts imports zod only/ },
  'contracts reach into a lib': {
    file: 'libs/contracts/src/approval/e3.ts',
    text: `import '../../../release/src/index.js';\n`,
    says: /by its name, never by its path/,
  },
  'release imports Node': { file: 'libs/release/src/f1.ts', text: `import 'node:crypto';\n`, says: /release is pure rules/ },
  'release imports api': { file: 'libs/release/src/f2.ts', text: `import '@slipway/api';\n`, says: /release is pure rules/ },
  'release imports Nest': { file: 'libs/release/src/f3.ts', text: `import '@nestjs/common';\n`, says: /release is pure rules/ },
  'release reads the clock': { file: 'libs/release/src/f4.ts', text: 'export const f4 = Date.now();\n', says: /no clock and no chance/ },
  'api imports release': { file: 'libs/api/src/g1.ts', text: `import '@slipway/release';\n`, says: /api is the routes/ },
  'api imports Node': { file: 'libs/api/src/g2.ts', text: `import 'node:http';\n`, says: /api is the routes/ },
  'the command line imports messaging': {
    file: 'apps/cli/src/h1.ts',
    text: `import '@slipway/messaging';\n`,
    says: /the command line knows the gateway by api/,
  },
  'the command line imports an app': {
    file: 'apps/cli/src/h2.ts',
    text: `import '@slipway/gateway';\n`,
    says: /the command line knows the gateway by api/,
  },
  'the page imports contracts': {
    file: 'apps/console/src/h3.ts',
    text: `import '@slipway/contracts';\n`,
    says: /the page knows the gateway by api/,
  },
  'a handler imports an adapter': { file: 'apps/approval/src/on-i1.ts', text: `import './adapters/x.js';\n`, says: /know ports\.ts/ },
  'work imports an adapter': { file: 'apps/approval/src/run-i2.ts', text: `import './adapters/x.js';\n`, says: /know ports\.ts/ },
  'a controller imports an adapter': { file: 'apps/approval/src/http/i3.ts', text: `import '../adapters/x.js';\n`, says: /know ports\.ts/ },
  'a nested controller imports an adapter': {
    file: 'apps/approval/src/http/deep/i4.ts',
    text: `import '../../adapters/x.js';\n`,
    says: /know ports\.ts/,
  },
  'a handler imports another app': {
    file: 'apps/approval/src/on-i5.ts',
    text: `import '@slipway/gateway';\n`,
    says: /nobody imports an app/,
  },
  'an adapter imports a handler': {
    file: 'apps/approval/src/adapters/i6.ts',
    text: `import '../on-i1.js';\n`,
    says: /does not know who calls/,
  },
  'domain imports Node': { file: 'apps/approval/src/domain/j1.ts', text: `import 'node:crypto';\n`, says: /domain\/ imports domain/ },
  'domain imports Nest': { file: 'apps/approval/src/domain/j2.ts', text: `import '@nestjs/common';\n`, says: /domain\/ imports domain/ },
  'domain imports TypeORM': { file: 'apps/approval/src/domain/j3.ts', text: `import 'typeorm';\n`, says: /domain\/ imports domain/ },
  'domain imports an adapter': {
    file: 'apps/approval/src/domain/j4.ts',
    text: `import '../adapters/x.js';\n`,
    says: /domain\/ imports domain/,
  },
  'domain imports ports': { file: 'apps/approval/src/domain/j5.ts', text: `import '../ports.js';\n`, says: /domain\/ imports domain/ },
  'domain imports uuid': { file: 'apps/approval/src/domain/j6.ts', text: `import 'uuid';\n`, says: /domain\/ imports domain/ },
  'domain of a lib imports messaging': {
    file: 'libs/deployments/src/domain/j7.ts',
    text: `import '@slipway/messaging';\n`,
    says: /domain\/ imports domain/,
  },
  'a service reads the environment': {
    file: 'apps/approval/src/l1.ts',
    text: 'export const l1 = process.env.HOME;\n',
    says: /noProcessEnv|process\.env/,
  },
  'a lib reads the environment': {
    file: 'libs/registry/src/l2.ts',
    text: 'export const l2 = process.env.HOME;\n',
    says: /noProcessEnv|process\.env/,
  },
  'files import each other in a ring': {
    file: 'libs/registry/src/m1.ts',
    text: `import { m2 } from './m2.js';\nexport const m1 = () => m2;\n`,
    says: /cycle/i,
  },
};

/** Ways to read a clock or to roll dice; none may be in domain/. */
const clocksAndDice = [
  'Date.now()',
  'new Date()',
  'Date()',
  'Math.random()',
  'performance.now()',
  'crypto.randomUUID()',
  'crypto.getRandomValues(new Uint8Array(1))',
  'process.hrtime()',
  'globalThis.Date',
  'setTimeout(() => 1, 1)',
  'setInterval(() => 1, 1)',
  '(() => { const { random } = Math; return random(); })()',
  '(() => { const { now } = Date; return now(); })()',
  '(() => { const { randomUUID } = crypto; return randomUUID(); })()',
  '(() => { const dice = Math; return dice.random(); })()',
];

/** What the same rooms may do. */
const allowed: Record<string, string> = {
  'apps/approval/src/allowed.module.ts': `import './adapters/x.js';\nimport '@slipway/messaging';\n`,
  'apps/approval/src/on-allowed.ts': `import './domain/allowed.js';\nimport './ports.js';\nimport '@slipway/contracts';\n`,
  'apps/approval/src/adapters/allowed.ts': `import '../ports.js';\nimport '@slipway/postgres';\n`,
  'apps/approval/src/domain/allowed.ts': `import './other.js';\nimport '@slipway/contracts';\nimport '@slipway/release';\nexport const at = (iso: string) => new Date(iso).getTime();\nexport const most = Math.max(1, 2);\n`,
  'apps/approval/src/domain/allowed.spec.ts': `import { randomUUID } from 'node:crypto';\nexport const id = randomUUID();\nexport const now = Date.now();\n`,
  'apps/approval/src/http/allowed.ts': `import '../ports.js';\nimport '@nestjs/common';\n`,
  'apps/cli/src/allowed.ts': `import '@slipway/api';\nimport '@slipway/identity';\nimport '@slipway/release';\n`,
  'apps/console/src/allowed.ts': `import '@slipway/api';\n`,
  'libs/messaging/src/adapters/allowed.ts': `import 'kafkajs';\n`,
  'libs/docker-engine/src/allowed.ts': `import 'dockerode';\n`,
  'libs/contracts/src/approval/allowed.ts': `import 'zod';\nimport '../nouns.js';\n`,
  'libs/release/src/allowed.ts': `import 'canonicalize';\nimport '@slipway/contracts';\n`,
  'libs/api/src/allowed.ts': `import 'zod';\nimport '@slipway/contracts';\n`,
  'libs/service-kit/src/allowed.ts': 'export const home = process.env.HOME;\n',
};

describe('the rules between rooms', () => {
  let tree: PlantedTree;
  let findings: Finding[];

  beforeAll(async () => {
    const planted = Object.values(violations).map(({ file, text }) => [file, text]);
    const clocks = clocksAndDice.map((text, at) => [`apps/approval/src/domain/k${at}.ts`, `export const k${at} = () => ${text};\n`]);
    const ring = { 'libs/registry/src/m2.ts': `import { m1 } from './m1.js';\nexport const m2 = () => m1;\n` };
    tree = await PlantedTree.grow({ ...Object.fromEntries([...planted, ...clocks]), ...ring, ...allowed });
    findings = await tree.biome();
  });
  afterAll(() => tree?.fell());

  const saidOf = (file: string) => findings.filter((found) => found.file === file).map((found) => `${found.rule} ${found.message}`);

  it.each(Object.entries(violations))('catches it when %s', (_, { file, says }) => {
    expect(saidOf(file).join('\n')).toMatch(says);
  });

  it.each(clocksAndDice.map((text, at) => [text, at] as const))('catches %s in domain/', (_, at) => {
    expect(saidOf(`apps/approval/src/domain/k${at}.ts`).join('\n')).toMatch(/no clock and no chance/);
  });

  it.each(Object.keys(allowed))('leaves %s alone', (file) => {
    expect(saidOf(file)).toEqual([]);
  });
});
