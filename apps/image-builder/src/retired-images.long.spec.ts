import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DataOf, ImageBuilt, ImageRemoved, ImageRetired, type Release } from '@slipway/contracts';
import { attestationsOf, OciRegistry } from '@slipway/registry';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuilderScene, base } from './builder-scene.contract.js';

let scene: BuilderScene;
/** Before the real registry: answers what one with deleting switched off answers (docker-registry 2.8), or nothing at all. */
let between: Server;
let mode: 'open' | 'deletes-nothing' | 'away' | 'away-at-the-image' = 'open';
/** The digest that `away-at-the-image` is about. */
let theImage = 'none';
const refusal = '{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}\n';

beforeAll(async () => {
  const [host = '', port] = realParts().registry.split(':');
  between = createServer((incoming, answer) => {
    if (mode === 'away' || (mode === 'away-at-the-image' && incoming.method === 'DELETE' && incoming.url?.endsWith(theImage)))
      return void incoming.socket.destroy();
    if (mode === 'deletes-nothing' && incoming.method === 'DELETE')
      return void answer.writeHead(405, { 'content-type': 'application/json' }).end(refusal);
    const { method, url: path, headers } = incoming;
    const onward = request({ host, port, method, path, headers }, (back) => {
      answer.writeHead(back.statusCode ?? 502, back.headers);
      back.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  scene = await BuilderScene.build();
}, 60_000);
afterAll(async () => {
  mode = 'open';
  await scene?.demolish();
  between?.closeAllConnections();
  between?.close();
}, 60_000);

type Image = DataOf<typeof ImageBuilt>['image'];
const repositoryPath = () => `builder-scene/${scene.project}`;
const throughProxy = () => `localhost:${(between.address() as AddressInfo).port}/${repositoryPath()}`;
const isThere = (image: Image) => scene.registry.has(repositoryPath(), image.digest);

async function aBuilt(spec: object = {}): Promise<{ release: Release; image: Image; version: number }> {
  const { source, revision } = await scene.commit({ Dockerfile: `${base}RUN ["/bin/sh","-c","true"]\n`, name: String(Math.random()) });
  const version = await scene.apply(source, spec);
  const release = await scene.detect(version, { revision });
  return { release, version, image: (await scene.told(ImageBuilt, release)).data.image };
}

/** The gateway says that these releases need their image no longer, and is answered. */
async function retire(image: Image, ...releases: Release[]): Promise<void> {
  const data = {
    project: scene.project,
    image,
    releases: releases.map(({ id, number }) => ({ id, number })),
    rule: { days: 180, newest: 10 },
  };
  await scene.say('gateway', ImageRetired, scene.project, data);
  const { id } = releases[0] as Release;
  await eventually(
    async () => (await scene.query('select 1 from $schema.build where release = $1 and retired_seal is not null', [id])).length > 0,
  );
}
const removals = (image: Image) =>
  (scene.heard.filter(({ name }) => name === ImageRemoved.name).map(({ data }) => data) as DataOf<typeof ImageRemoved>[]).filter(
    (data) => data.image.digest === image.digest,
  );

describe('an image that is needed no longer', () => {
  it('is gone from the registry, and said to be; a tag on its revision is built anew', async () => {
    const { release, image, version } = await aBuilt();
    await retire(image, release);
    expect(await eventually(() => removals(image)[0] ?? false)).toMatchObject({
      project: scene.project,
      releases: [{ id: release.id, number: release.number }],
      refused: null,
    });
    expect(await isThere(image)).toBe(false);
    const { revision } = release;
    const tag = await scene.detect(version, { revision, kind: 'tag', ref: 'refs/tags/v1', line: release.line }, image);
    const anew = (await scene.told(ImageBuilt, tag)).data;
    expect(anew.built).toBe(true);
    expect(anew.image.digest).not.toBe(image.digest);
    expect(await isThere(anew.image)).toBe(true);
  });

  it('stays while a release born late has it, and goes with that one', async () => {
    const { release, image, version } = await aBuilt();
    const { revision } = release;
    const late = await scene.detect(version, { revision, kind: 'configuration', number: release.number + 1000 }, image);
    await scene.told(ImageBuilt, late);
    await retire(image, release);
    expect(await scene.query("select 1 from $schema.operation where kind = 'image-removal' and key = $1", [image.digest])).toEqual([]);
    await retire(image, late);
    expect(await eventually(() => removals(image)[0] ?? false)).toMatchObject({
      releases: [{ id: release.id }, { id: late.id }],
      refused: null,
    });
    expect(await isThere(image)).toBe(false);
  });

  it('stays while somebody else has tagged it, be it in the form of our own tags', async () => {
    const { release, image } = await aBuilt();
    await scene.registry.tagDigest(repositoryPath(), image.digest, 'main-20261123-0123456789ab');
    await retire(image, release);
    const said = await eventually(() => removals(image)[0] ?? false);
    expect(said.refused).toMatchObject({ code: 'tagged', message: expect.stringContaining('main-20261123-0123456789ab') });
    expect(await isThere(image)).toBe(true);
  });

  it('is left alone where it was not built here', async () => {
    const { release: other, version } = await aBuilt();
    const foreign = { repository: scene.repository, digest: `sha256:${'e'.repeat(64)}` };
    const release = await scene.detect(version, { revision: other.revision, kind: 'configuration', number: other.number + 2000 }, foreign);
    await scene.told(ImageBuilt, release);
    await retire(foreign, release);
    expect(await scene.query("select 1 from $schema.operation where kind = 'image-removal' and key = $1", [foreign.digest])).toEqual([]);
  });

  it('is gone, said to be once, and taken for nothing meanwhile, where whoever removes it dies half-way and before it is recorded', async () => {
    const { release, image, version } = await aBuilt({ image: { repository: throughProxy() } });
    const { revision, line } = release;
    const attested = async () => (await attestationsOf(scene.registry, repositoryPath(), image.digest)).length > 0;
    await eventually(attested);
    [theImage, mode] = [image.digest, 'away-at-the-image'];
    // What a crash between the deletion and its record leaves: it is done, and nothing of it written down.
    await scene.query(`create function $schema.crash() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$`);
    await scene.query(
      `create trigger crash before update on $schema.operation for each row
       when (new.kind = 'image-removal' and new.state = 'done') execute function $schema.crash()`,
    );
    await retire(image, release);
    await eventually(async () => !(await attested()));
    expect(await isThere(image)).toBe(true);
    const lateTag = { revision, line, kind: 'tag' as const, ref: 'refs/tags/late', number: release.number + 3000 };
    const late = (await scene.told(ImageBuilt, await scene.detect(version, lateTag, image))).data;
    expect(late).toMatchObject({ built: true });
    expect(late.image.digest).not.toBe(image.digest);
    mode = 'open';
    await eventually(async () => !(await isThere(image)), { within: 30_000 });
    expect(removals(image)).toEqual([]);
    await scene.query('drop trigger crash on $schema.operation');
    await eventually(() => removals(image).length > 0, { within: 30_000 });
    expect(removals(image)).toMatchObject([{ releases: [{ id: release.id }], refused: null }]);
    expect(await isThere(late.image)).toBe(true);
  }, 90_000);

  it('goes in the end where the registry is away, a replica stops, and deleting is switched off at first, which is said once', async () => {
    const repository = throughProxy();
    const { release, image } = await aBuilt({ image: { repository } });
    expect(image.repository).toBe(repository);
    const operation = async () =>
      (
        await scene.query<{ progress: unknown; away: unknown }>(
          "select progress, to_jsonb(operation) -> 'away' as away from $schema.operation where kind = 'image-removal' and key = $1",
          [image.digest],
        )
      )[0];
    mode = 'away';
    await retire(image, release);
    await eventually(operation);
    await scene.stopOne();
    mode = 'deletes-nothing';
    const [said] = await eventually(() => (removals(image).length > 0 ? removals(image) : false), { within: 40_000 });
    expect(said?.refused).toMatchObject({ code: 'delete-disabled', message: expect.stringContaining('storage.delete.enabled') });
    await eventually(async () => (await operation())?.progress === 'delete-disabled');
    expect(await new OciRegistry({ host: realParts().registry }).has(repositoryPath(), image.digest)).toBe(true);
    const again = "update $schema.operation set due_at = now() where kind = 'image-removal' and state = 'ready'";
    await eventually(async () => (await scene.query(`${again} returning 1`)).length > 0);
    mode = 'open';
    await scene.query(again);
    await eventually(() => removals(image).some(({ refused }) => refused === null));
    expect(await isThere(image)).toBe(false);
    expect(removals(image).filter(({ refused }) => refused !== null)).toHaveLength(1);
  }, 60_000);

  it('waits for the seal of a mark that an older replica has set, and is not forgotten meanwhile', async () => {
    const { release, image } = await aBuilt();
    await scene.query('update $schema.build set retired_at = now() where release = $1', [release.id]);
    await scene.query(
      `insert into $schema.operation (id, kind, key, input, due_at, first_due_at)
       values (gen_random_uuid(), 'image-removal', $1, jsonb_build_object('digest', $1::text), now(), now())`,
      [image.digest],
    );
    const looked =
      "select state from $schema.operation where kind = 'image-removal' and key = $1 and (state = 'done' or waiting_for is not null)";
    expect(await eventually(async () => (await scene.query<{ state: string }>(looked, [image.digest]))[0] ?? false)).toEqual({
      state: 'ready',
    });
    expect(await isThere(image)).toBe(true);
    await retire(image, release);
    await scene.query("update $schema.operation set due_at = now() where kind = 'image-removal' and key = $1", [image.digest]);
    await eventually(async () => !(await isThere(image)));
  });
});
