import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailed, CommandAccepted, CommandIssued, CommandRefused, CommitDetected, SecretVersioned } from '@slipway/contracts';
import { aDigest, anId, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './a-stage.contract.js';
import { aWatchedProject } from './a-watched-project.contract.js';

describe('what source-watcher reacts to', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    await stage.start();
  });
  afterAll(() => stage.strike());

  it('makes a configuration release when an environment would run something else, and none when it would not', async () => {
    const { born, file } = await aWatchedProject(stage, 'settings');
    await stage.built(born);
    await eventually(
      async () => (await stage.query("select 1 from {schema}.release where project = 'settings' and image is not null")).length === 1,
    );
    await stage.apply({ ...file, metadata: { ...file.metadata, description: 'other words' } }, 2);
    await stage.apply({ ...file, spec: { ...file.spec, app: { ...file.spec.app, instances: 3 } } }, 3);
    const again = await stage.nth(CommitDetected, 'settings', 2);
    expect(again.release).toMatchObject({ number: 2, kind: 'configuration', revision: born.release.revision });
    expect(again).toMatchObject({
      projectVersion: 3,
      image: { digest: aDigest(born.release.revision) },
      trigger: { kind: 'project', person: { name: 'Olga Operator' } },
    });
    await stage.polled('settings');
    expect(stage.of(CommitDetected, 'settings')).toHaveLength(2);
  });

  it('makes a configuration older than a commit that is being built meanwhile, and the next one of that', async () => {
    const { repository, born, file } = await aWatchedProject(stage, 'later');
    const built = async (detected: typeof born) => {
      await stage.built(detected);
      const sql = 'select 1 from {schema}.release where id = $1 and image is not null';
      await eventually(async () => (await stage.query(sql, [detected.release.id])).length === 1);
    };
    await built(born);
    await repository.commit({ a: '2' });
    await repository.push();
    const second = await stage.nth(CommitDetected, 'later', 2);
    const changed = async (instances: number) => {
      await stage.apply({ ...file, spec: { ...file.spec, app: { ...file.spec.app, instances } } }, instances);
      return (await stage.nth(CommitDetected, 'later', instances + 1)).release;
    };
    expect(await changed(2)).toMatchObject({ number: 3, kind: 'configuration', revision: born.release.revision, ancestorOf: [2] });
    await built(second);
    expect(await changed(3)).toMatchObject({ number: 4, kind: 'configuration', revision: second.release.revision, ancestorOf: [] });
  });

  it('looks at once when a person asks, and refuses what it does not know', async () => {
    const { repository } = await aWatchedProject(stage, 'asked', { poll: '1h' });
    const revision = await repository.commit({ a: '2' });
    await repository.push();
    const ask = (project: string) =>
      stage.say('gateway', (unit) =>
        unit.publish(CommandIssued, {
          subject: project,
          data: {
            command: anId(),
            service: 'source-watcher',
            action: { kind: 'source.refresh', project },
            person: { id: anId(), name: 'Dev' },
            role: 'developer',
            reason: '',
          },
        }),
      );
    const id = await ask('asked');
    expect(await stage.nth(CommitDetected, 'asked', 2)).toMatchObject({
      release: { revision },
      trigger: { kind: 'command', person: { name: 'Dev' } },
    });
    const unknown = await ask('nobody');
    const answers = () =>
      stage.events
        .filter(({ name }) => name === CommandAccepted.name || name === CommandRefused.name)
        .map(({ name, causationId }) => [name, causationId]);
    await eventually(() =>
      expect(answers()).toEqual([
        [CommandAccepted.name, id],
        [CommandRefused.name, unknown],
      ]),
    );
  });

  it('watches a removed project no more, and again when it comes back', async () => {
    const { repository, file } = await aWatchedProject(stage, 'removed');
    const copies = async () => (await readdir(join(stage.keys.dir, 'sources', 'git'))).filter((name) => name.startsWith('removed-'));
    expect(await copies()).toHaveLength(1);
    await stage.apply(null, 2, 'removed');
    await eventually(
      async () =>
        (await stage.query("select 1 from {schema}.operation where kind = 'poll' and key = 'removed/1' and state in ('cancelled', 'done')"))
          .length === 1,
      { within: 20_000 },
    );
    await eventually(async () => expect(await copies()).toEqual([]));
    await repository.commit({ a: '2' });
    await repository.push();
    await stage.apply(file, 3);
    expect((await stage.nth(CommitDetected, 'removed', 2)).release.number).toBe(2);
  });

  it('makes a configuration release of a new secret version, for what uses the secret', async () => {
    const { born } = await aWatchedProject(stage, 'secrets', {}, { app: { secrets: ['db-password'] } });
    await stage.built(born);
    await eventually(
      async () => (await stage.query("select 1 from {schema}.release where project = 'secrets' and image is not null")).length === 1,
    );
    const version = (name: string, is: string) =>
      stage.say('image-builder', (unit) =>
        unit.publish(SecretVersioned, { subject: 'secrets', data: { project: 'secrets', secrets: [{ name, version: is }] } }),
      );
    await version('db-password', 'one');
    await version('db-password', 'one');
    await version('other', 'one');
    await version('other', 'two');
    await version('db-password', 'two');
    const again = await stage.nth(CommitDetected, 'secrets', 2);
    expect(again).toMatchObject({ release: { number: 2, kind: 'configuration' }, trigger: { kind: 'project', person: null } });
    await stage.polled('secrets');
    expect(stage.of(CommitDetected, 'secrets')).toHaveLength(2);
  });

  it('lets a tag wait no longer for an image that will not come', async () => {
    const { repository, first, born } = await aWatchedProject(stage, 'broken', { tags: ['v*'] });
    await repository.git('tag', 'v1', first);
    await repository.push('v1');
    await stage.polled('broken');
    expect(stage.of(CommitDetected, 'broken')).toHaveLength(1);
    const data = {
      release: born.release,
      reason: { code: 'dockerfile', message: 'no' },
      attempt: 1,
      step: null,
      seconds: 1,
      logTail: [],
      authors: [],
    };
    await stage.say('image-builder', (unit) => unit.publish(BuildFailed, { subject: born.release.id, data }));
    expect(await stage.nth(CommitDetected, 'broken', 2)).toMatchObject({ release: { kind: 'tag' }, image: null });
  });
});
