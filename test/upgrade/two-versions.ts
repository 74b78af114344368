import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiClient } from '@slipway/api';
import {
  ApprovalGranted,
  ApprovalRequested,
  type EventDefinition,
  type ProjectFile,
  type Release,
  RolloutRolledBack,
  RolloutSucceeded,
  type Service,
} from '@slipway/contracts';
import { eventually, realParts } from '@slipway/testkit';
import { expect } from 'vitest';
import type { Repository } from '../e2e/a-repository.js';
import { aSuiteOfProcesses, type SuiteOfProcesses } from '../faults/a-suite-of-processes.js';
import { suiteAt } from '../faults/judging.ts';
import { plantRegistryLogin } from '../faults/load/planted.ts';
import { explain, LoadLog, leftToDo, Witness } from '../history/index.ts';

/** Folders of compiled services by the name of their version; `today` is what is compiled of this checkout. */
export type Versions = Readonly<Record<string, string>>;

export interface Wanted {
  readonly ports: string;
  readonly versions: Versions;
  /** The version each replica begins with; undefined: it does not run. Services have up to two. */
  begins(service: Service, replica: number): string | undefined;
}

/** A suite in which each process may be of another version, and is upgraded, or set back, while releases go through it. */
export interface TwoVersions {
  readonly suite: SuiteOfProcesses;
  readonly project: string;
  /** Ends the process as an orchestrator does and starts it anew in that version; resolves when it is ready. */
  to(version: string, service: Service, replica?: number): Promise<void>;
  /** Applies the project's file with something changed, which the version of the gateway that runs may know and this checkout not. */
  applies(change: (file: ProjectFile) => object): Promise<void>;
  /** Commits a page. */
  push(page: string): Promise<void>;
  /** Signs the release off as soon as it is asked, and waits until its page is served. */
  goesLive(number: number, page: string): Promise<void>;
  /** Asks to go back to a release, and waits until its page is served again. */
  goesBack(number: number, page: string): Promise<void>;
  hears<E extends EventDefinition & { data: { _output: { release: Release } } }>(event: E, number: number): Promise<unknown>;
  /** Waits until nothing is left to be done, and holds all that happened against the eleven promises. */
  judged(): Promise<void>;
  clear(): Promise<void>;
}

/** A busy machine takes its time; a release that is lost takes for ever. */
const withinMs = 240_000;

/** The key of an installation that has rows of a version without seals: it asks for none (docs/adr/0021). */
function ofBeforeSeals(keyFile: string): Record<string, string> {
  const { rowSeals: _, ...key } = JSON.parse(readFileSync(keyFile, 'utf8')) as Record<string, unknown>;
  writeFileSync(keyFile, JSON.stringify(key));
  return {};
}

export async function twoVersions(wanted: Wanted): Promise<TwoVersions> {
  const links = await mkdtemp(join(tmpdir(), 'slipway-versions-'));
  const versions: Record<string, string> = { ...wanted.versions };
  const linkOf = (service: Service, replica: number) => join(links, `${service}-${replica}`);
  const point = (version: string, service: Service, replica: number) => {
    const link = linkOf(service, replica);
    rmSync(link, { force: true });
    symlinkSync(versions[version] ?? '', link);
  };
  const suite = await aSuiteOfProcesses({
    ports: wanted.ports,
    settings: {},
    replicas: 2,
    runs: (service, replica) => wanted.begins(service, replica) !== undefined,
    ofReplica: (_, __, usual) => ofBeforeSeals(usual['SLIPWAY_KEY_FILE'] ?? ''),
    checkoutOf: (service, replica, today) => {
      versions['today'] = today;
      point(wanted.begins(service, replica) ?? 'today', service, replica);
      return linkOf(service, replica);
    },
  });
  const witness = await witnessOf(suite);
  const load = new LoadLog();
  const canaries = [await plantRegistryLogin(suite)];
  const { name: project, repository } = await suite.newProject();
  const pushed = () => load.pushed({ project, ref: 'refs/heads/main', revision: headOf(repository) });
  pushed();
  const hears: TwoVersions['hears'] = async (event, number) => {
    const fits = (data: unknown) => isOf((data as { release: Release }).release, project, number);
    return suite.ear.hears(event, fits, withinMs).catch((error: unknown) => {
      const last = suite.ear.names().slice(-12).join(', ');
      throw new Error(`${event.name} of release ${number} was not heard, the last were ${last}`, { cause: error });
    });
  };
  const to: TwoVersions['to'] = async (version, service, replica = 1) => {
    const process = suite.replicas.find((each) => each.service === service && each.number === replica);
    if (!process) throw new Error(`${service} ${replica} does not run`);
    const { restarts } = process;
    point(version, service, replica);
    process.send('SIGTERM');
    await eventually(() => process.restarts > restarts, { within: 60_000 });
    await process.ready(120_000);
  };
  const applies: TwoVersions['applies'] = async (change) => {
    const administrator = apiClient({ url: suite.environment.gatewayUrl, token: suite.administratorToken });
    const { file } = await administrator.getProject({ params: { name: project } });
    await administrator.applyProject({
      params: { name: project },
      yaml: JSON.stringify(change(file)),
      query: { reason: 'there is more to say' },
    });
  };
  const push: TwoVersions['push'] = async (page) => {
    await repository.commit(page);
    pushed();
  };
  const goesLive: TwoVersions['goesLive'] = async (number, page) => {
    const { request } = (await hears(ApprovalRequested, number)) as { request: string };
    await suite.signOff(request, withinMs, (answer) =>
      load.signedOff({ request, person: 'Otto Operator', decision: 'approve', status: 200, answer: JSON.stringify(answer) }),
    );
    const { address } = (await hears(RolloutSucceeded, number)) as { address: string };
    expect(await (await fetch(address)).text()).toBe(page);
    expect(suite.ear.all(ApprovalGranted).filter(({ release }) => isOf(release, project, number)).length).toBeGreaterThan(0);
  };
  const goesBack: TwoVersions['goesBack'] = async (number, page) => {
    const environment = 'production';
    const answer = await suite.operator.rollback({ params: { project, environment }, body: { to: number, reason: 'it was better' } });
    load.commanded({ action: 'rollback', about: project, person: 'Otto Operator', status: 200, answer: JSON.stringify(answer) });
    const { address } = (await hears(RolloutRolledBack, number)) as { address: string };
    expect(await (await fetch(address)).text()).toBe(page);
  };
  const judged: TwoVersions['judged'] = async () => {
    const at = { databaseUrl: suite.databaseUrl, kafkaBrokers: realParts().kafkaBrokers, topicPrefix: suite.topicPrefix };
    await eventually(async () => expect(await leftToDo(at)).toEqual({}), { within: withinMs, every: 500 });
    const history = await witness.history({ load, repositories: [{ project, folder: repository.dir }], canaries, suite: suiteAt(suite) });
    const { amiss, words } = await explain(history);
    expect(amiss, words).toEqual([]);
  };
  const clear = async () => {
    await witness.stop();
    await suite.clear();
    await rm(links, { recursive: true, force: true });
  };
  return { suite, project, to, applies, push, goesLive, goesBack, hears, judged, clear };
}

function isOf(release: Release, project: string, number: number): boolean {
  return release.project === project && release.number === number;
}

async function witnessOf({ databaseUrl, topicPrefix, installation, environment }: SuiteOfProcesses): Promise<Witness> {
  const { kafkaBrokers, registry, dockerSocket } = realParts();
  const at = { databaseUrl, kafkaBrokers, topicPrefix, registry, installation, trustFile: environment.trustFile };
  return Witness.start({ ...at, title: 'two versions side by side', dockerHost: `unix://${dockerSocket}` });
}

function headOf({ dir }: Repository): string {
  return readFileSync(join(dir, '.git/refs/heads/main'), 'utf8').trim();
}
