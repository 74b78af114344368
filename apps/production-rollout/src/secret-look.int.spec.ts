import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProjectApplied, SecretVersioned } from '@slipway/contracts';
import { anId, aProjectFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProductionRolloutModule } from './production-rollout.module.js';

let stage: Stage;
let version = 0;

beforeAll(async () => {
  stage = await aStage();
  await stage.start(ProductionRolloutModule);
});
afterAll(() => stage.clear());

/** Applies the next version of the project; at each, its secrets are looked at. */
async function apply(project: string): Promise<void> {
  version += 1;
  const file = aProjectFile({ name: project, spec: { app: { secrets: ['db-password'] } } });
  await stage.say('gateway', ProjectApplied, {
    subject: project,
    data: { project, version, file, by: { id: anId(), name: 'Ada' }, reason: '' },
  });
}

async function put(project: string, value: string): Promise<string> {
  const folder = join(stage.keys.dir, 'secrets', 'production-rollout', project);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'db-password'), value, { mode: 0o600 });
  return join(folder, 'db-password');
}

const said = (project: string) =>
  stage.heard
    .filter((event) => event.name === SecretVersioned.name && event.subject === project)
    .flatMap((event) => (event.data as { secrets: { name: string; version: string | null }[] }).secrets.map((secret) => secret.version));

/** What is said of the project's secret once it was said so often. */
const nth = async (project: string, count: number) => {
  await eventually(() => said(project).length >= count, { within: 60_000 });
  return said(project)[count - 1];
};

describe('a look at secrets', () => {
  it('says the version of each a new project names, null where there is none, and never the value', async () => {
    await put('fresh', 'hunter2');
    await apply('fresh');
    expect(await nth('fresh', 1)).toMatch(/^[\w-]{22}$/);
    await apply('bare');
    expect(await nth('bare', 1)).toBeNull();
    expect(JSON.stringify(stage.heard.filter((event) => event.name === SecretVersioned.name))).not.toContain('hunter');
  });

  it('sees another value by itself, and says a version once', async () => {
    await put('turned', 'hunter2');
    await apply('turned');
    const first = await nth('turned', 1);
    await apply('turned');
    await put('turned', 'hunter3');
    const second = await nth('turned', 2);
    expect(second).toMatch(/^[\w-]{22}$/);
    expect(second).not.toBe(first);
    expect(said('turned')).toEqual([first, second]);
  });

  it('leaves out what others on the machine can read, and goes on with the other projects', async () => {
    const file = await put('careless', 'hunter2');
    await chmod(file, 0o644);
    await apply('careless');
    await put('careful', 'hunter2');
    await apply('careful');
    await nth('careful', 1);
    await put('careful', 'hunter3');
    await nth('careful', 2);
    expect(said('careless')).toEqual([]);
    const reason = `select 1 from slipway_production_rollout.operation where kind = 'secret-look' and last_error like $1`;
    await eventually(async () => (await stage.database.query(reason, [`%chmod 600 ${file}%`])).length === 1);
    await chmod(file, 0o600);
    expect(await nth('careless', 1)).toMatch(/^[\w-]{22}$/);
  }, 120_000);
});
