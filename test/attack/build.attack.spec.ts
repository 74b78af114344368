import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { BuildFailed, DockerEngine, LimitExceeded } from '@slipway/docker-engine';
import { eventually, realParts } from '@slipway/testkit';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { aDockerHost, mayHaveOwnHost } from '../faults/a-docker-host.js';
import { attack } from './case.ts';
import { serve } from './hostile-git.ts';

const mark = `attack-${randomUUID().slice(0, 8)}`;
const labels = { 'dev.slipway.test': mark };
const from = `FROM scratch\nLABEL dev.slipway.test=${mark}\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n`;
const sh = (script: string) => `RUN ["/bin/sh","-c",${JSON.stringify(script)}]\n`;
/** As image-builder makes it for builds. */
const network = `${mark}-builds`;
const MiB = 1024 * 1024;
let engine: DockerEngine;
const busybox = readFileSync('/bin/busybox');

beforeAll(async () => {
  engine = DockerEngine.connect(realParts().dockerHost);
  await engine.networks.create({ name: network, labels, options: { 'com.docker.network.bridge.enable_icc': 'false' } });
});
afterAll(async () => {
  for (const { id } of await engine.containers.list({ labels })) await engine.containers.remove(id, { force: true });
  for (const { id } of await engine.networks.list({ labels })) await engine.networks.remove(id);
  for (const { id } of await engine.images.list({ labels })) await engine.images.remove(id, { force: true });
}, 60_000);

/** Builds it as image-builder would, and gives its log. */
async function build(dockerfile: string, more: Partial<Parameters<DockerEngine['buildImage']>[0]> = {}, on = engine): Promise<string> {
  const output = pack();
  output.entry({ name: 'Dockerfile' }, dockerfile);
  output.entry({ name: 'busybox', mode: 0o755 }, busybox);
  output.finalize();
  const log: string[] = [];
  const context = Readable.from(output, { objectMode: false });
  await on.buildImage({
    context,
    tag: `${mark}:try`,
    labels,
    networkMode: network,
    noCache: true,
    onLog: (line) => log.push(line),
    ...more,
  });
  return log.join('\n');
}

describe('Dockerfile', () => {
  attack(
    'B04',
    {
      input:
        'RUN --mount=type=bind|ssh|secret|cache, --security=insecure, --network=host, # syntax= of somebody’s frontend, FROM --platform and ADD of a Git repository',
      expected: 'refused by the classic builder, which knows none of them and fetches no frontend',
      provenBy: [{ file: 'libs/docker-engine/src/build.int.spec.ts', test: "['a mount'" }],
    },
    async () => {
      const flags = [
        '--mount=type=bind,from=scratch,target=/x',
        '--mount=type=ssh',
        '--mount=type=secret,id=x',
        '--mount=type=cache,target=/x',
        '--security=insecure',
        '--network=host',
      ];
      for (const flag of flags) await expect(build(`${from}RUN ${flag} true\n`), flag).rejects.toBeInstanceOf(BuildFailed);
      const server = await serve((_, response) => void response.end());
      const log = await build(`# syntax=${server.url.replace('http://', '')}/evil/frontend:1\n# escape=\`\n${from}`);
      await server.close();
      expect(log).not.toContain('frontend');
      expect(server.asked).toEqual([]);
      return `${flags.length} refused, no frontend asked for`;
    },
  );

  attack(
    'B05',
    {
      input:
        'a step that calls the metadata address, Postgres, Kafka, the registry and the Docker Engine of the suite, another container, and the one that builds beside it',
      expected:
        'none answers where the suite listens on 127.0.0.1, as it does unless told otherwise; the network of the host is refused as a setting',
      within: 120_000,
    },
    async () => {
      const beside = await engine.containers.create({
        image: await imageOf(),
        command: ['/bin/busybox', 'nc', '-l', '-p', '7000', '-e', '/bin/busybox', 'echo', 'neighbour'],
        networks: [{ network: 'bridge' }],
        labels,
      });
      await engine.containers.start(beside);
      const info = await eventually(async () => {
        const found = await engine.containers.inspect(beside);
        return found && JSON.stringify(found).includes('172.') ? found : false;
      });
      const neighbour = /"(172\.\d+\.\d+\.[2-9]\d*)"/.exec(JSON.stringify(info))?.[1] ?? '172.17.0.2';
      const ports = [...realParts().kafkaBrokers, new URL(realParts().databaseUrl).host, realParts().registry].map((host) =>
        Number(host.split(':').at(-1)),
      );
      const own = Object.values(networkInterfaces())
        .flatMap((each) => each ?? [])
        .filter(({ family, internal }) => family === 'IPv4' && !internal);
      const gateways = own.map(({ address }) => address).filter((address) => address.startsWith('172.'));
      const targets = [`${neighbour} 7000`, ...['127.0.0.1', ...gateways].flatMap((host) => ports.map((port) => `${host} ${port}`))];
      const script = targets
        .map((to) => `/bin/busybox nc -w 1 ${to} </dev/null >/dev/null 2>&1 && /bin/busybox echo REACHED ${to}`)
        .join('; ');
      const log = await build(
        `${from}${sh(`${script}; /bin/busybox ls /var/run/docker.sock /run/docker.sock; /bin/busybox ip route; true`)}`,
      );
      await engine.containers.remove(beside, { force: true });
      expect(log.split('\n').filter((line) => line.startsWith('REACHED'))).toEqual([]);
      expect(log).toContain('default via');
      const none = await build(
        `${from}${sh('/bin/busybox ip route; /bin/busybox nc -w 1 169.254.169.254 80 </dev/null; /bin/busybox echo status $?')}`,
        { networkMode: 'none' },
      );
      expect(none).toContain('Network is unreachable');
      const { ImageBuilderConfig } = await import('../../apps/image-builder/src/image-builder.config.js');
      for (const host of ['host', 'container:x']) expect(ImageBuilderConfig.safeParse({ SLIPWAY_BUILD_NETWORK: host }).success).toBe(false);
      expect(ImageBuilderConfig.parse({}).SLIPWAY_BUILD_NETWORK).toBe('slipway-builds');
      return `${targets.length} addresses, none answered; what the host routes beyond itself is for its firewall (docs/guides/install.md)`;
    },
  );

  attack(
    'B06',
    {
      input:
        'a step that prints its environment, its files and /proc; ENV and ARG; build args named LD_PRELOAD, NODE_OPTIONS, DOCKER_HOST, HTTP_PROXY',
      expected:
        'no Docker socket, no secret, no key; an argument that the Dockerfile does not ask for reaches no step, but those for proxies',
    },
    async () => {
      const look =
        '/bin/busybox env; /bin/busybox cat /proc/self/environ /proc/1/environ; /bin/busybox find / -xdev -name "*.sock" -o -name "*.key" -o -path "*secret*"; /bin/busybox mount';
      const args = {
        LD_PRELOAD: 'evil-preload',
        NODE_OPTIONS: 'evil-options',
        DOCKER_HOST: 'evil-host',
        SLIPWAY_KEY_FILE: 'evil-key',
        HTTP_PROXY: 'a-proxy',
      };
      const log = await build(`${from}${sh(look)}`, { args });
      const printed = log.replace(/^.*were not consumed$/m, '');
      expect(printed).not.toMatch(/evil-|docker\.sock|SLIPWAY|DATABASE_URL|KAFKA/);
      const asked = await build(`${from}ARG LD_PRELOAD\n${sh('/bin/busybox env')}`, { args: { LD_PRELOAD: 'only-where-asked' } });
      expect(asked).toContain('only-where-asked');
      return 'only what the Dockerfile asks for';
    },
  );

  attack(
    'B07',
    {
      input:
        'FROM a private image of another team: in a registry whose credentials the suite has, and one that another project built on the same engine',
      expected:
        'no credentials are used but those listed for base images; a local image is no secret of an engine that teams share: documented',
      provenBy: [
        {
          file: 'apps/image-builder/src/adapters/registries.spec.ts',
          test: 'give a build only the credentials that operators listed for base images',
        },
      ],
    },
    async () => {
      const seen: string[] = [];
      const registry = await serve((request, response) => {
        seen.push(request.headers.authorization ?? 'nothing');
        response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
      });
      const port = new URL(registry.url).port;
      const other = [{ serverAddress: 'other.example', username: 'robot', password: 'of another team' }];
      await expect(build(`FROM localhost:${port}/private/other-team\n`, { registries: other })).rejects.toThrow();
      await registry.close();
      expect(seen.length).toBeGreaterThan(0);
      expect(new Set(seen)).toEqual(new Set(['nothing']));
      return `${seen.length} requests, none with credentials`;
    },
  );

  attack(
    'B08',
    {
      input: 'a fork bomb with little memory, and with much; memory without end, dd without end, yes without end, sleep without end',
      expected: 'each ended by its limit, which is named, and all of it is gone; others build meanwhile, and afterwards',
      within: 240_000,
      provenBy: [
        {
          file: 'libs/docker-engine/src/build.int.spec.ts',
          test: 'lets a step begin only so many processes, and ends a build that has them all',
        },
        { file: 'libs/docker-engine/src/build.int.spec.ts', test: 'ends a build whose step fills the disk, and removes what it wrote' },
        { file: 'libs/docker-engine/src/build.int.spec.ts', test: 'believes no step that names other containers in the log' },
        { file: 'libs/docker-engine/src/build.int.spec.ts', test: 'ends with the error of whoever reads the log, or of the context' },
        { file: 'apps/image-builder/src/image-builder.int.spec.ts', test: 'an endless build' },
      ],
    },
    async () => {
      const host = mayHaveOwnHost ? await aDockerHost() : undefined;
      const on = host?.engine ?? engine;
      const limits = { memoryBytes: 256 * MiB, cpus: 0.5, diskBytes: 50 * MiB, pids: 512 };
      const outcome = (script: string, more: Parameters<typeof build>[1] = {}) =>
        build(`${from}${sh(script)}`, { limits, timeoutMs: 30_000, networkMode: 'none', ...more }, on).then(
          () => 'built',
          (error: Error) =>
            `${error.name}${error instanceof BuildFailed ? ` ${error.exitCode}` : ''}${error instanceof LimitExceeded ? ` ${error.limit}` : ''}`,
        );
      const seconds = async (work: () => Promise<unknown>): Promise<number> => {
        const begun = performance.now();
        await work();
        return (performance.now() - begun) / 1000;
      };
      const bomb = 'bomb() { bomb | bomb & }; /bin/busybox sleep 1; (bomb); exec /bin/busybox sleep 600';
      const well = async () => expect(await build(`${from}${sh('/bin/busybox echo well')}`, { networkMode: 'none' }, on)).toContain('well');
      try {
        const forking = outcome(bomb);
        const beside = await seconds(well);
        const forks = await forking;
        // So little memory that hundreds wait for it all the time, on half a processor: they hardly get to die. Now and then the kernel ends the first of them.
        let starved = '';
        for (let at = 0; at < 3 && starved !== 'TimedOut'; at++) {
          const little = { ...limits, memoryBytes: 48 * MiB, pids: 10_000 };
          starved = await outcome('bomb() { bomb | bomb & }; bomb; /bin/busybox sleep 600', { limits: little, timeoutMs: 15_000 });
        }
        const memory = await outcome('/bin/busybox dd if=/dev/zero of=/dev/null bs=400M count=1');
        const disk = await outcome('/bin/busybox dd if=/dev/zero of=/big bs=1M count=200; /bin/busybox sleep 600', { timeoutMs: 60_000 });
        const time = await outcome('/bin/busybox sleep 600', { timeoutMs: 3_000 });
        const told = { forks, starved, memory, disk, time };
        expect(told).toEqual({
          forks: 'LimitExceeded processes',
          starved: expect.stringMatching(/^(BuildFailed (1|2|137)|TimedOut)$/),
          memory: expect.stringMatching(/^BuildFailed (1|137)$/),
          disk: 'LimitExceeded disk',
          time: 'TimedOut',
        });
        const left = await seconds(() =>
          eventually(async () => !(await on.containers.list({ running: true })).some((each) => each.labels['dev.slipway.test'] === mark), {
            within: 20_000,
          }),
        );
        const after = await seconds(well);
        expect(Math.max(beside, after)).toBeLessThan(30);
        const words = Object.entries(told).map(([what, said]) => `${what}: ${said}`);
        return `${words.join('; ')}; all gone after ${left.toFixed(1)} s; another build took ${beside.toFixed(1)} s beside the bomb, ${after.toFixed(1)} s afterwards`;
      } finally {
        await host?.close();
      }
    },
  );

  attack(
    'B10',
    {
      input:
        'a build that leaves other bytes in the cache under a name that a trusted one uses: the same instructions with other files, other arguments, and an image of the trusted one’s tag',
      expected: 'the next trusted build is bit-equal to one without cache: the key is the content of each step',
    },
    async () => {
      const { imageId: clean } = await buildId(`${from}COPY Dockerfile /d\n${sh('/bin/busybox cat /d > /out')}`, { noCache: true });
      await buildId(`${from}COPY Dockerfile /d\n# poisoned\n${sh('/bin/busybox cat /d > /out')}`, { noCache: false });
      await buildId(`${from}ARG X\n${sh('/bin/busybox echo $X > /out')}`, { noCache: false, args: { X: 'poisoned' } });
      const { imageId: trusted } = await buildId(`${from}COPY Dockerfile /d\n${sh('/bin/busybox cat /d > /out')}`, { noCache: false });
      expect(await layersOf(trusted)).toEqual(await layersOf(clean));
      expect(
        (await buildId(`${from}ARG X\n${sh('/bin/busybox echo $X > /out')}`, { noCache: false, args: { X: 'trusted' } })).log,
      ).toContain('Running in');
      return 'the same layers';
    },
  );

  attack(
    'B50',
    {
      input:
        'ADD of the metadata address and of a file server inside, of an archive that leads out; VOLUME, USER, HEALTHCHECK, STOPSIGNAL and ONBUILD oddities',
      expected:
        'ADD of a URL is done by the engine, not by the suite, and is documented; archives stay inside; odd instructions fail or are only what an image says of itself',
      provenBy: [
        {
          file: 'libs/docker-engine/src/build.int.spec.ts',
          test: 'gives many labels by one step, whatever is in them, and keeps what an image does when it is built upon',
        },
      ],
    },
    async () => {
      for (const odd of [
        'STOPSIGNAL NOSUCH',
        'USER ../../etc',
        'VOLUME ["/../../etc"]',
        'EXPOSE 99999',
        'HEALTHCHECK --interval=0s CMD x',
        'ONBUILD FROM x',
        'WORKDIR ../../..',
        'SHELL x',
        'COPY --from=99 / /',
        'COPY --chown=99999999999 busybox /x',
      ]) {
        const outcome = await build(`${from}${odd}\n`).then(
          () => 'built',
          (error: Error) => error.name,
        );
        expect(['built', 'BuildFailed'], odd).toContain(outcome);
      }
      await expect(build(`${from}ADD http://127.0.0.1:1/x /x\n`)).rejects.toThrow();
      await expect(build(`${from}ADD ftp://127.0.0.1/x /x\n`)).rejects.toThrow();
      await expect(build(`${from}ADD file:///etc/passwd /x\n`)).rejects.toThrow();
      return 'ten odd instructions, three URLs';
    },
  );

  const builder = 'apps/image-builder/src';
  for (const [id, input, expected, file, test] of [
    [
      'B09',
      'many builds of one revision at once',
      'one builds, the others take its image',
      'image-builder.int.spec.ts',
      'builds a release once, however often it is detected, and one revision once for all its releases',
    ],
    [
      'B14',
      'a base image’s tag, or the pushed tag, moves between a build and its retry',
      'what was built is adopted by its content, never by its name; only the recorded digest goes on',
      'build-faults.int.spec.ts',
      'does not adopt an image that somebody else put under its tag',
    ],
  ] as const) {
    attack(
      id,
      { input, expected, provenBy: [{ file: `${builder}/${file}`, test }] },
      async () => 'proven by the ordinary tests, on a real engine',
    );
  }
});

async function imageOf(): Promise<string> {
  return (await buildId(from, {})).imageId;
}

async function buildId(
  dockerfile: string,
  more: Partial<Parameters<DockerEngine['buildImage']>[0]>,
): Promise<{ imageId: string; log: string }> {
  const log = await build(dockerfile, more);
  const imageId = (await engine.images.inspect(`${mark}:try`))?.id;
  if (imageId === undefined) throw new Error('there is no image');
  return { imageId, log };
}

async function layersOf(image: string): Promise<unknown> {
  const { dockerApi } = await import('../../tools/parts/docker-api.ts');
  const { RootFS } = await dockerApi(realParts().dockerHost ?? `unix://${realParts().dockerSocket}`).call<{ RootFS: unknown }>(
    'GET',
    `/images/${image}/json`,
  );
  return RootFS;
}
