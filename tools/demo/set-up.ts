import { randomBytes } from 'node:crypto';
import { type Service, services } from '@slipway/contracts';
import { cornerOf, giveBack } from '../parts/borrowed.ts';
import type { Cleanup, EndRequest } from '../parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../parts/data-dir.ts';
import { dockerApi } from '../parts/docker-api.ts';
import { type Parts, startParts } from '../parts/index.ts';
import { administratorCode } from '../suite/administrator.ts';
import { prepareEnvironment, type SuiteEnvironment } from '../suite/environment.ts';
import { missingServices } from '../suite/services.ts';
import { type Suite, startSuite } from '../suite/suite.ts';
import { askAt } from './asking.ts';
import { gatherCast, people } from './cast.ts';
import type { Demo, Names } from './demo.ts';
import { Mailbox } from './mailbox.ts';
import type { Options } from './options.ts';
import { applyFiles, stablePorts } from './project.ts';
import { gitSample } from './sample/git.ts';
import { svnSample } from './sample/svn.ts';
import type { Screen } from './screen.ts';

/** What the set-up shares with the program around it. */
export interface Around {
  options: Options;
  screen: Screen;
  cleanup: Cleanup;
  end: EndRequest;
  /** Runs a piece of work as a step on the screen; fails at once where a service it needs is not built yet. */
  showing<T>(title: string, needs: readonly Service[], work: () => Promise<T>, seen: (made: T) => string): Promise<T>;
}

/** Brings everything up to the point where the first commit is in the repository and its project applied. */
export async function setUp(around: Around): Promise<Demo> {
  const { options, cleanup, end, screen, showing } = around;
  const names = newNames();
  const dataDir = await ownDataDir(around);
  const mailbox = new Mailbox();
  const parts = await showing('Postgres, Kafka, registry and Docker are up', [], () => bringUpParts(around, dataDir), saidOf);
  const repository = `${parts.registry.url}/${parts.registry.ours ? '' : `${names.installation}/`}shop`;
  const all: Names = { ...names, repository };
  const docker = dockerApi(parts.docker.url);
  if (!options.keep) cleanup.defer('give back what was used in parts that are not ours', () => giveBack(dataDir.path), 60_000);
  const corner = await cornerOf(dataDir, parts, all);
  const { environment, suite } = await showing(
    options.oneProcess ? 'All services are ready, in one process' : 'Every service is ready, each in its own process',
    [],
    () => bringUpServices(around, dataDir, corner, all, mailbox),
    ({ suite: { services: running } }) =>
      `${running.join(', ')}${missingServices().length > 0 ? `; not built yet: ${missingServices().join(', ')}` : ''}`,
  );
  const cast = await showing(
    'Five people sign in: Ada, Dana, Tess, Omar and Theo',
    ['gateway'],
    async () => gatherCast(environment.gatewayUrl, await administratorCode(dataDir, end.throwIfAsked), all.project),
    () => 'each turned a one-time code into a token of their own; Omar registered a signing key',
  );
  const kind = options.svn ? 'Subversion' : 'Git';
  return showing(
    `The shop's ${kind} repository and its project file`,
    ['gateway'],
    async () => {
      const source = options.svn
        ? await svnSample(dataDir, cleanup, [people.dana.account, people.theo.account])
        : await gitSample(dataDir, cleanup);
      const ports = await stablePorts();
      const { ask, note } = talkThrough(options, screen, end);
      const demo: Demo = {
        options,
        dataDir,
        cleanup,
        end,
        parts,
        docker,
        environment,
        suite,
        mailbox,
        names: all,
        cast,
        source,
        ports,
        releases: new Map(),
        load: undefined,
        note,
        ask,
      };
      const revision = await source.commit({ author: cast.dana, message: 'Open the shop', commit: 1, broken: false });
      demo.releases.set(1, { id: '', number: 0, revision, digest: '' });
      await applyFiles(demo);
      return demo;
    },
    ({ source }) => `${source.url}; commit 1 by Dana`,
  );
}

function newNames(): Omit<Names, 'repository'> {
  const installation = `demo-${randomBytes(3).toString('hex')}`;
  return { installation, topicPrefix: `slipway-${installation}.`, project: 'shop' };
}

async function ownDataDir({ options, cleanup, screen }: Around): Promise<DataDir> {
  const dataDir = await temporaryDataDir('demo');
  const keep = async (): Promise<void> => {
    await dataDir.keep();
    screen.say(`  Data and logs are kept in ${dataDir.path}`);
  };
  if (options.keep) cleanup.defer(`let ${dataDir.path} lie`, keep);
  else cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  return dataDir;
}

function bringUpParts({ cleanup, screen }: Around, dataDir: DataDir): Promise<Parts> {
  const onUp: Parameters<typeof startParts>[0]['onUp'] = (part, seconds) =>
    screen.note(`${part.name} ${part.ours ? 'started' : 'found running'} after ${seconds.toFixed(1)} s`);
  return startParts({ dataDir, durable: false, dockerKind: 'apart', kafkaHeapMiB: 256, cleanup, onUp });
}

function saidOf({ postgres, kafka, registry, docker }: Parts): string {
  return [postgres, kafka, registry, docker]
    .map((part) => `${part.name} ${part.ours ? 'started' : 'as it was running'} (${withoutPassword(part.url)})`)
    .join('\n');
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

async function bringUpServices(
  around: Around,
  dataDir: DataDir,
  parts: Parts,
  names: Names,
  mailbox: Mailbox,
): Promise<{ environment: SuiteEnvironment; suite: Suite }> {
  const { cleanup, screen, end, options } = around;
  await mailbox.start();
  cleanup.defer('stop the mail server', () => mailbox.stop());
  const all = { SLIPWAY_TOPIC_PREFIX: names.topicPrefix, SLIPWAY_INSTALLATION: names.installation };
  const of = { notifier: { SLIPWAY_SMTP_URL: mailbox.url, SLIPWAY_SMTP_FROM: 'Slipway <slipway@shop.example>' } };
  const environment = await prepareEnvironment(dataDir, parts, { all, of, singleRole: parts.postgres.ours ? undefined : true });
  const onReady = (_: unknown, left: readonly string[]): void => screen.note(left.length === 0 ? '' : `waiting: ${left.join(', ')}`);
  screen.note(`starting ${services.length - missingServices().length} services`);
  const suite = await startSuite({
    dataDir,
    environment,
    oneProcess: options.oneProcess,
    cleanup,
    tell: (message) => screen.say(message),
    onReady,
    stillWorthIt: end.throwIfAsked,
  });
  return { environment, suite };
}

function talkThrough(options: Options, screen: Screen, end: EndRequest): Pick<Demo, 'ask' | 'note'> {
  const terminal = { input: process.stdin, output: process.stdout };
  const ask = async (question: string, otherwise: string): Promise<string> => {
    if (options.yes) return otherwise;
    return screen.aside(async () => (await askAt(terminal, `\n     ${screen.bold(question)}`, end)) || otherwise);
  };
  return { ask, note: (text) => screen.note(text) };
}
