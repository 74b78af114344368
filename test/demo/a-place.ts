import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Corner, giveBack } from '../../tools/parts/borrowed.ts';
import { dockerApi, type ListedContainer, type ListedImage } from '../../tools/parts/docker-api.ts';
import { atTerminal, type Terminal } from './a-terminal.ts';

/** A corner of the machine in which one run happens, so that what it leaves behind can be told from what others do meanwhile. */
export interface Place {
  /** What a person there starts programs with. */
  readonly env: NodeJS.ProcessEnv;
  /** Where a run with lasting data keeps it. */
  readonly data: string;
  /** Runs a command here, at a terminal of its own; `command` is the test's own words. */
  terminal(command: string): Terminal;
  /** What the demo that runs here calls itself on the Docker Engine; once it has got so far. Remembered for afterwards. */
  names(): Promise<Corner | undefined>;
  /** The containers it has on the Docker Engine. */
  containers(): Promise<ListedContainer[]>;
  /** Everything of it that is still there: containers, images, networks, volumes, processes, files. */
  left(): Promise<string[]>;
  /** Ends what still runs at a terminal, and takes away what a run was asked to keep. */
  clear(): Promise<void>;
}

/** npm keeps its own program compiled in here. */
const cacheOfNpm = 'node-compile-cache';

/** Makes such a corner. */
export async function aPlace(): Promise<Place> {
  const base = await mkdtemp(join(tmpdir(), 'demo-place-'));
  const [temporary, data] = [join(base, 'tmp'), join(base, 'data')];
  // A Postgres that may not run as root reaches its data in here.
  await mkdir(temporary);
  for (const folder of [base, temporary]) await chmod(folder, 0o755);
  const docker = dockerApi(process.env['DOCKER_HOST'] as string);
  let known: Corner | undefined;

  const names = async (): Promise<Corner | undefined> => {
    for (const name of await readdir(temporary)) {
      const record = await readFile(join(temporary, name, 'borrowed.json'), 'utf8').catch(() => undefined);
      if (record !== undefined) known = (JSON.parse(record) as { names: Corner }).names;
    }
    return known;
  };
  const filters = (): string =>
    `filters=${encodeURIComponent(JSON.stringify({ label: [`dev.slipway.namespace=${known?.installation ?? 'none'}`] }))}`;
  const containers = async (): Promise<ListedContainer[]> => {
    await names();
    return docker.call<ListedContainer[]>('GET', `/containers/json?all=true&${filters()}`);
  };
  const inDocker = async (): Promise<string[]> => {
    const images = await docker.call<ListedImage[]>('GET', '/images/json?all=true');
    const networks = await docker.call<{ Name: string }[]>('GET', `/networks?${filters()}`);
    const { Volumes } = await docker.call<{ Volumes: { Name: string }[] | null }>('GET', `/volumes?${filters()}`);
    const ours = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
    return [
      ...(await containers()).map(({ Names }) => `container ${Names[0]}`),
      ...ours.filter((name) => known !== undefined && name.startsWith(known.repository)).map((name) => `image ${name}`),
      ...networks.map(({ Name }) => `network ${Name}`),
      ...(Volumes ?? []).map(({ Name }) => `volume ${Name}`),
    ];
  };
  const env = {
    ...process.env,
    TMPDIR: temporary,
    SLIPWAY_DATA_DIR: data,
    XDG_CONFIG_HOME: join(base, 'config'),
    XDG_STATE_HOME: join(base, 'state'),
  };
  const terminals: Terminal[] = [];
  return {
    env,
    data,
    terminal: (command) => {
      const terminal = atTerminal(command, env);
      terminals.push(terminal);
      return terminal;
    },
    names,
    containers,
    left: async () => [
      ...(await inDocker()),
      ...(await processesIn(base)),
      ...(await readdir(temporary)).filter((name) => name !== cacheOfNpm).map((name) => `file ${join(temporary, name)}`),
    ],
    clear: async () => {
      await Promise.all(terminals.map((terminal) => terminal.close()));
      for (const name of await readdir(temporary)) await giveBack(join(temporary, name));
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** The processes that were started with a folder in their words or their environment. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (words.includes(folder) || environment.includes(`${folder}/`)) found.push(`process ${pid} ${words.replaceAll('\0', ' ')}`);
  }
  return found;
}
