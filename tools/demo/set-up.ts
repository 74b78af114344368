import { services } from '@slipway/contracts';
import { cornerOf } from '../parts/borrowed.ts';
import type { EndRequest } from '../parts/cleanup.ts';
import type { DataDir } from '../parts/data-dir.ts';
import { dockerApi } from '../parts/docker-api.ts';
import type { Parts } from '../parts/index.ts';
import { both } from '../parts/until.ts';
import { administratorCode } from '../suite/administrator.ts';
import { prepareEnvironment, type SuiteEnvironment } from '../suite/environment.ts';
import { type Suite, startSuite } from '../suite/suite.ts';
import { askAt } from './asking.ts';
import { emailOf, gatherCast, people } from './cast.ts';
import type { Demo, Names } from './demo.ts';
import type { Around, Ground } from './ground.ts';
import { Mailbox } from './mailbox.ts';
import type { Options } from './options.ts';
import { applyFiles, stablePorts } from './project.ts';
import { gitSample } from './sample/git.ts';
import type { SampleSource } from './sample/source.ts';
import { svnSample } from './sample/svn.ts';
import type { Screen } from './screen.ts';

/** Brings everything up, on parts that run, to the point where the first commit is in the repository and its project applied. */
export async function setUp(around: Around, { dataDir, parts, names: all }: Ground): Promise<Demo> {
  const { options, cleanup, end, screen, showing } = around;
  const mailbox = new Mailbox();
  const docker = dockerApi(parts.docker.url);
  const corner = await cornerOf(dataDir, parts, all);
  const [{ environment, suite }, { source, revision }] = await showing(
    options.oneProcess ? 'All services are ready, in one process' : 'Every service is ready, each in its own process',
    () => both(bringUpServices(around, dataDir, corner, all, mailbox), openShop(around, dataDir)),
    ([
      {
        suite: { services: running },
      },
    ]) => running.join(', '),
  );
  const cast = await showing(
    'Five people sign in: Ada, Dana, Tess, Omar and Theo',
    async () => gatherCast(environment.gatewayUrl, await administratorCode(dataDir, end.throwIfAsked), all.project),
    () => 'each turned a one-time code into a token of their own; Omar registered a signing key',
  );
  const kind = options.svn ? 'Subversion' : 'Git';
  return showing(
    `The shop's ${kind} repository and its project file`,
    async () => {
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
      demo.releases.set(1, { id: '', number: 0, revision, digest: '' });
      await applyFiles(demo);
      return demo;
    },
    () => `${source.url}; commit 1 by Dana`,
  );
}

/** The shop's repository, with Dana's first commit in it. */
async function openShop({ options, cleanup }: Around, dataDir: DataDir): Promise<{ source: SampleSource; revision: string }> {
  const { dana, theo } = people;
  const source = options.svn ? await svnSample(dataDir, cleanup, [dana.account, theo.account]) : await gitSample(dataDir, cleanup);
  const author = { ...dana, email: emailOf(dana.account) };
  return { source, revision: await source.commit({ author, message: 'Open the shop', commit: 1, broken: false }) };
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
  screen.note(`starting ${services.length} services`);
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
