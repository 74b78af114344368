import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@slipway/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataDir, temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { appSecret, plantAppSecrets } from '../faults/load/planted.ts';
import { Machine } from './a-machine.js';
import { RestorableSuite } from './a-restorable-suite.js';
import { aWitness, drained, judged } from './evidence.js';
import { pageOf, serves, settled } from './lanes.js';

/** Where a package of Postgres puts the programs of a server and its clients: all of one version, as pg_dump wants it. */
const programs = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql')
      .sort((one, other) => Number(other) - Number(one))
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .find((folder) => ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((name) => existsSync(join(folder, name))))
  : undefined;
const isRoot = process.getuid?.() === 0;

/** What the guide has people type, block by block. */
async function typed(): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '../../docs/guides/backup-and-restore.md'), 'utf8');
  return [...text.matchAll(/(?:^ {4}\S.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
}

describe.runIf(isRoot)('docs/guides/backup-and-restore.md, typed as it stands (needs root)', () => {
  let suite: RestorableSuite;
  let machine: Machine;
  let folder: DataDir;
  const app = { drain: '0s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '15s' }, secrets: [appSecret] };

  beforeAll(async () => {
    if (programs === undefined) throw new Error('there is no Postgres below /usr/lib/postgresql: install the package postgresql');
    suite = await RestorableSuite.start('24500-24999', { programs, password: 'of-the-installer' });
    folder = await temporaryDataDir('machine');
    const token = join(folder.path, 'token');
    await writeFile(token, suite.administratorToken, { mode: 0o600 });
    const server = new URL(suite.postgres.url);
    machine = await Machine.make({
      folder: await folder.folder('machine'),
      dataDir: suite.dataDir.path,
      checkout: suite.checkout,
      env: {
        ...{ PGHOST: server.hostname, PGPORT: server.port, PGUSER: server.username, PGPASSWORD: server.password },
        ...{ SLIPWAY_URL: suite.url, SLIPWAY_TOKEN_FILE: token, SLIPWAY_DATA_DIR: '/var/lib/slipway' },
      },
      systemctl: {
        stop: () => suite.down(),
        start: async () => {
          for (const name of ['logs', 'run']) await suite.dataDir.folder(name);
          await suite.up();
        },
      },
    });
  }, 300_000);
  afterAll(async () => {
    await machine?.close();
    await suite?.clear();
    await folder?.close();
  }, 180_000);

  /** Who may what, and what was set for whom: no dump of a database has that in its tables. */
  async function rights(): Promise<unknown> {
    const client = new pg.Client({ connectionString: suite.postgres.url });
    await client.connect();
    try {
      const { rows } = await client.query(
        `select (select json_agg((rolname, rolcreaterole, rolcanlogin, rolpassword) order by rolname) from pg_authid where rolname ~ '^slipway') as roles,
           (select json_agg((setrole::regrole::text, setconfig) order by setrole::regrole::text) from pg_db_role_setting) as settings,
           (select json_build_array(datdba::regrole::text, datacl::text) from pg_database where datname = current_database()) as database,
           (select json_agg((nspname, nspowner::regrole::text, nspacl::text) order by nspname) from pg_namespace where nspname ~ '^slipway') as schemas,
           (select json_agg((defaclrole::regrole::text, defaclacl::text) order by defaclrole::regrole::text) from pg_default_acl) as defaults`,
      );
      return rows[0];
    } finally {
      await client.end();
    }
  }

  /** Nothing is left of the machine but its repositories, its registry, and a Kafka that knows more than the backup. */
  async function theMachineIsLost(): Promise<void> {
    await suite.down();
    const labels = { 'dev.slipway.installation': suite.installation };
    for (const { id } of await suite.engine.containers.list({ labels })) await suite.engine.containers.remove(id, { force: true });
    for (const name of await readdir(suite.dataDir.path)) await rm(join(suite.dataDir.path, name), { recursive: true, force: true });
    await machine.set({});
    await suite.postgres.lose();
    await mkdir(suite.dataDir.logs, { recursive: true });
  }

  it('brings a lost machine back on a new one, with its roles, keys and secrets, and what was committed since', {
    timeout: 900_000,
  }, async () => {
    const blocks = await typed();
    const [backup, restore] = ['pg_dumpall', 'pg_restore'].map((word) => blocks.find((block) => block.includes(word)) ?? '');
    expect([backup, restore]).not.toContain('');
    const lane = await suite.newLane('first', async (name) => {
      suite.canaries = [...suite.canaries, ...(await plantAppSecrets(suite, name))];
      return { app };
    });
    await serves(suite, lane, 'first');
    await settled(suite, [lane]);
    const settings = { DATABASE_URL: suite.postgres.installersUrl };
    await machine.set(settings);
    await machine.types(backup as string);
    const [before, passwords] = [await rights(), await readFile(join(suite.dataDir.path, 'database-passwords.json'), 'utf8')];
    await suite.push(lane, 'second');
    await serves(suite, lane, 'second');

    await theMachineIsLost();
    suite.topicPrefix = /SLIPWAY_TOPIC_PREFIX=(\S+)/.exec(restore as string)?.[1] ?? '';
    const witness = await aWitness(suite, 'a lost machine brought back by the guide');
    const said = await machine.types(restore as string);
    expect(said).toContain(`verified  ${lane.name}`);
    expect(await machine.settings()).toEqual({ ...settings, SLIPWAY_TOPIC_PREFIX: suite.topicPrefix });
    expect(await rights()).toEqual(before);
    expect(await readFile(join(suite.dataDir.path, 'database-passwords.json'), 'utf8')).toBe(passwords);
    const again = await suite.provided();
    expect(again.of('approval')['DATABASE_URL']).toBe(suite.environment.of('approval')['DATABASE_URL']);

    // What the backup knows of runs again by itself; what was committed since is asked for anew.
    await eventually(async () => expect(await pageOf(suite, lane)).toBe('first'), { within: 120_000, every: 500 });
    await serves(suite, lane, 'second');
    await settled(suite, [lane]);
    await drained(suite);
    const { amiss, words } = await judged(suite, witness);
    await witness.stop();
    expect(amiss, words).toEqual([]);
  });
});
