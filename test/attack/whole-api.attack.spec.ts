import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { schemathesisPython } from '../../tools/parts/schemathesis.ts';
import { root } from '../../tools/suite/services.ts';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { seed } from './seed.ts';
import { processOf } from './wire.ts';
import { type AttackedProject, aProject, joinAs } from './world.ts';

/** Seconds that it may take; it ends by itself then. */
const budget = 180;
let shop: AttackedProject & { drop(): Promise<void> };
let folder: string;
let python: string;

beforeAll(async () => {
  python = await schemathesisPython();
  folder = await mkdtemp(join(tmpdir(), 'slipway-schemathesis-'));
  shop = await aProject(attacked());
}, 720_000);
afterAll(async () => {
  await shop?.drop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Its settings, with the names of what is there. */
async function settings(names: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(root, 'test/attack/schemathesis.toml'), 'utf8');
  const file = join(folder, 'schemathesis.toml');
  await writeFile(
    file,
    text.replaceAll(/<(\w+)>/g, (_, name: string) => {
      const found = names[name];
      if (found === undefined) throw new Error(`schemathesis.toml wants to know <${name}>`);
      return found;
    }),
  );
  return file;
}

interface Ended {
  readonly code: number;
  readonly said: string;
}

function schemathesis(url: string, token: string, config: string): Promise<Ended> {
  const words = ['-m', 'schemathesis.cli', '--config-file', config, 'run', `${url}/api/v1/openapi.json`];
  const how = ['--phases', 'coverage,fuzzing', '--max-time', `${budget}`, '--seed', `${seed}`, '--max-examples', '25', '--no-color'];
  const env = { PATH: process.env['PATH'], SLIPWAY_FUZZ_TOKEN: token, COLUMNS: '160' };
  const settings = { cwd: folder, env, timeout: (budget + 60) * 1_000, maxBuffer: 1 << 26 };
  return new Promise((resolve) => {
    execFile(python, [...words, ...how, '--generation-database', 'none'], settings, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` }),
    );
  });
}

describe('The whole API, by its own document', () => {
  attack(
    'Z04',
    {
      input: 'schemathesis, with the OpenAPI document that the gateway serves: every operation, with what is well formed and what is not',
      expected:
        'no 5xx; no status, type of content or field but those written down; what breaks a schema is refused; 405 for other methods',
      within: 720_000,
    },
    async (on) => {
      const fuzz = await joinAs(on, {
        name: 'Schemathesis',
        roles: [
          { role: 'administrator', project: '*' },
          { role: 'operator', project: '*' },
        ],
      });
      const victim = await joinAs(on, { name: 'Victor', roles: [] });
      const approval = await shop.request(1);
      const release = (await on.administrator.getReleaseByNumber({ params: { project: shop.name, number: 1 } })).release.id;
      const { command } = await fuzz.api.refreshProject({ params: { name: shop.name }, body: { reason: 'for its id' } });
      const before = await processOf(on, 'gateway');
      const config = await settings({ project: shop.name, release, approval, command, person: victim.person.id });
      const { code, said } = await schemathesis(on.gatewayUrl, fuzz.token, config);
      const [, failures] = /={3,} FAILURES ={3,}([\s\S]*)/.exec(said) ?? [];
      expect(failures?.slice(0, 8_000) ?? '', said.slice(-2_000)).toBe('');
      expect(code, said.slice(-4_000)).toBe(0);
      expect(await processOf(on, 'gateway')).toBe(before);
      const tried = Number(/(\d+) generated/.exec(said)?.[1]);
      // Fewer would mean that it could not do its work.
      expect(tried, said.slice(-2_000)).toBeGreaterThan(1_000);
      return `${tried} calls of ${/(\d+) selected/.exec(said)?.[1]} operations; seed ${seed}`;
    },
  );
});
