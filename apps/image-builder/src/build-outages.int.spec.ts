import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { BuildFailed, BuildStarted, ImageBuilt, PartAway, PartBack } from '@slipway/contracts';
import { aDigest, eventually, realParts, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuilderScene, base } from './builder-scene.contract.js';

let scene: BuilderScene;
let docker: TcpProxy;
let relay: Server;
beforeAll(async () => {
  // The proxy breaks TCP connections: a relay makes one of the engine's socket.
  relay = createServer((near) => {
    const far = connect(realParts().dockerSocket);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  docker = await TcpProxy.to({ host: '127.0.0.1', port: (relay.address() as AddressInfo).port });
  scene = await BuilderScene.build({ SLIPWAY_BUILD_CONCURRENCY: '1', DOCKER_HOST: `tcp://127.0.0.1:${docker.port}` });
}, 60_000);
afterAll(async () => {
  await scene.demolish();
  await docker.close();
  relay.close();
}, 60_000);

const sleeper = (seconds: number): string =>
  `${base}RUN ["/bin/sh","-c","/bin/busybox echo at it ${aDigest()}; exec /bin/busybox sleep ${seconds}"]\n`;

describe('a build whose parts go away', () => {
  it('starts again when the Docker Engine is back, and is no failure', async () => {
    const { source, revision } = await scene.commit({ Dockerfile: sleeper(2) });
    const release = await scene.detect(await scene.apply(source), { revision });
    await eventually(() => scene.log(release).includes('\nat it'), { within: 20_000 });
    docker.refuse();
    const error = await eventually(
      async () =>
        (
          await scene.query<{ last_error: string | null }>(`select last_error from $schema.operation where key like $1`, [
            `${release.id}/%`,
          ])
        )[0]?.last_error ?? false,
      { within: 20_000 },
    );
    expect(error).toMatch(/Docker Engine not reachable/);
    // As if it had been away for as long as is told, and were looked for again now.
    const longAway = `update $schema.operation set away = jsonb_set(away, '{since}', $1::jsonb), due_at = now() where key like $2 and away is not null returning 1`;
    const since = JSON.stringify(new Date(Date.now() - 10_000).toISOString());
    await eventually(async () => (await scene.query(longAway, [since, `${release.id}/%`])).length > 0);
    const away = await eventually(() => scene.all(PartAway, release)[0] ?? false, { within: 60_000 });
    expect(away.data).toMatchObject({ release: release.id, part: 'docker-engine', environment: null });
    docker.restore();
    await scene.told(ImageBuilt, release, 60_000);
    expect([scene.all(PartAway, release).length, scene.all(PartBack, release).length]).toEqual([1, 1]);
    expect([scene.all(BuildStarted, release).length, scene.all(BuildFailed, release).length]).toEqual([1, 0]);
  }, 90_000);

  it('goes on at another replica when its own stops', async () => {
    const commits = await Promise.all([sleeper(3), sleeper(3)].map((Dockerfile) => scene.commit({ Dockerfile })));
    const releases = [];
    for (const [at, { source, revision }] of commits.entries()) {
      releases.push(await scene.detect(await scene.apply(source), { revision, line: `refs/heads/${at}` }));
    }
    // Each replica has one in hand; whichever stops, its build goes on at the other.
    for (const release of releases) await eventually(() => scene.log(release).includes('\nat it'), { within: 20_000 });
    await scene.stopOne();
    for (const release of releases) await scene.told(ImageBuilt, release, 60_000);
    expect(releases.map((release) => scene.all(BuildStarted, release).length)).toEqual([1, 1]);
    expect(releases.flatMap((release) => scene.all(BuildFailed, release))).toEqual([]);
  }, 120_000);
});
