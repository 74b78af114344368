import { randomUUID } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import { CommitDetected, CommitFolded } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Repository, Stage } from './a-stage.contract.js';
import { Repositories } from './ports.js';
import { ReconcileCopies } from './reconcile-copies.js';

describe('two replicas', () => {
  let stage: Stage;

  const startReplica = (name: string) =>
    stage.start({
      SLIPWAY_DATA_DIR: `${stage.folder}/${name}`,
      SLIPWAY_KEY_FILE: stage.keys.keyFiles['source-watcher'] ?? '',
      SLIPWAY_TRUST_FILE: stage.keys.trustFile,
    });

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    await Promise.all([startReplica('one'), startReplica('two')]);
  });
  afterAll(() => stage.strike());

  const project = async (name: string): Promise<Repository> => {
    const repository = await stage.repository(name);
    await repository.commit({ a: '1' });
    await repository.push();
    await stage.apply(stage.file(name, { url: repository.url }));
    await stage.nth(CommitDetected, name, 1);
    return repository;
  };

  it('give every revision exactly one outcome, whichever of them looks, and numbers without a gap', async () => {
    const names = ['alpha', 'beta', 'gamma'];
    const repositories = await Promise.all(names.map(project));
    const pushed = new Map<string, string[]>();
    for (const [at, repository] of repositories.entries()) {
      const revisions = [await repository.git('rev-parse', 'HEAD')];
      for (let n = 0; n < 6; n++) {
        revisions.push(await repository.commit({ a: `${n}` }));
        await repository.push();
      }
      pushed.set(names[at] as string, revisions);
    }
    for (const name of names) {
      const revisions = pushed.get(name) as string[];
      await eventually(() => expect(stage.of(CommitDetected, name).at(-1)?.release.revision).toBe(revisions.at(-1)), { within: 25_000 });
      await eventually(() => {
        const told = [
          ...stage.of(CommitDetected, name).map(({ release }) => release.revision),
          ...stage.of(CommitFolded, name).map(({ revision }) => revision),
        ];
        expect(told).toHaveLength(revisions.length);
        expect(new Set(told)).toEqual(new Set(revisions));
      });
      const numbers = stage.of(CommitDetected, name).map(({ release }) => release.number);
      expect(numbers).toEqual(numbers.map((_number, index) => index + 1));
    }
  });

  it('goes on where a replica that died had stopped', async () => {
    const repository = await project('orphan');
    // What a process that was killed in the middle of a poll leaves: a running operation whose owner never renews its lease.
    await eventually(async () => {
      const taken = await stage.query(
        "update {schema}.operation set state = 'running', owner = $1, epoch = epoch + 1, lease = interval '1 second', due_at = now() + interval '1 second' where key = 'orphan/1' and state = 'ready' returning id",
        [randomUUID()],
      );
      return taken.length === 1;
    });
    const revision = await repository.commit({ a: '2' });
    await repository.push();
    expect((await stage.nth(CommitDetected, 'orphan', 2)).release.revision).toBe(revision);
  });

  it('each give back the disk that the copy of a removed source takes, and keep those of the others', async () => {
    const copiesOf = (replica: string) => `${stage.folder}/${replica}/sources/git`;
    const left = async (replica: string) => (await readdir(copiesOf(replica))).filter((name) => /^(stays|leaves)-.*\.git$/.test(name));
    for (const name of ['stays', 'leaves']) {
      const repository = await project(name);
      const point = { ref: 'refs/heads/main', revision: await repository.git('rev-parse', 'HEAD') };
      for (const { app } of stage.replicas) {
        const { control, source } = app.get(Repositories).of(name, stage.file(name, { url: repository.url }));
        await control.file(source, point, 'a');
      }
    }
    await stage.apply(null, 2, 'leaves');
    await eventually(async () =>
      expect(await stage.query("select file from {schema}.source where project = 'leaves'")).toEqual([{ file: null }]),
    );
    const [longAgo, names] = [new Date('2020-01-01'), ['one', 'two']];
    // One of them is told that a source went away, and may be at it now.
    const age = (copy: string) => utimes(copy, longAgo, longAgo).catch(() => undefined);
    for (const name of names) for (const copy of await left(name)) await age(`${copiesOf(name)}/${copy}`);
    for (const { app } of stage.replicas) await app.get(ReconcileCopies).run(new AbortController().signal);
    for (const name of names) expect((await left(name)).map((copy) => copy.split('-')[0])).toEqual(['stays']);
  });

  it('hands over when one is stopped, and hears nothing twice', async () => {
    const repository = await project('handed');
    await stage.replicas[0]?.stop();
    const revision = await repository.commit({ a: '2' });
    await repository.push();
    expect((await stage.nth(CommitDetected, 'handed', 2)).release).toMatchObject({ revision, number: 2 });
    const file = stage.file('handed', { url: repository.url });
    await stage.apply(file, 2);
    await stage.apply(file, 1);
    await eventually(async () =>
      expect(await stage.query("select version from {schema}.source where project = 'handed'")).toEqual([{ version: 2 }]),
    );
    await stage.polled('handed');
    expect(stage.of(CommitDetected, 'handed')).toHaveLength(2);
  });
});
