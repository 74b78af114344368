import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ApprovalModule } from '@slipway/approval';
import {
  ApprovalRequested,
  attestationPayloadType,
  BuildFailed,
  CommitDetected,
  type DataOf,
  type Person,
  PersonChanged,
  ProjectApplied,
  ProjectFile,
  RolloutSucceeded,
  SignOffPosted,
  TargetApplied,
  VerificationFailed,
} from '@slipway/contracts';
import { DockerEngine } from '@slipway/docker-engine';
import { canonicalJson } from '@slipway/identity';
import { ImageBuilderModule } from '@slipway/image-builder';
import { DockerOrchestrator } from '@slipway/orchestrators';
import { ProductionRolloutModule } from '@slipway/production-rollout';
import { SourceWatcherModule } from '@slipway/source-watcher';
import { TestDeployerModule } from '@slipway/test-deployer';
import { aPerson, aTargetFile, realParts } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const engine = DockerEngine.connect(undefined);
const project = `flow-${v7().slice(-8)}`;
const installation = `test-${v7().slice(-8)}`;
const tester = aPerson({ name: 'Tess Tester', roles: [{ role: 'tester', project: '*' }] });
const operator = aPerson({ name: 'Otto Operator', roles: [{ role: 'operator', project: '*' }] });
const author = aPerson({ name: 'Ann Author' });

let stage: Stage;
let repository: string;

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'slipway-flow-'));
  await git('init', '--quiet', '--initial-branch=main');
  await cp('node_modules/@esbuild/linux-x64/bin/esbuild', join(repository, 'server'));
  await writeFile(
    join(repository, 'Dockerfile'),
    'FROM scratch\nCOPY server /server\nCOPY site /site\nENTRYPOINT ["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]\n',
  );
  await commit('one');
  stage = await aStage();
  const settings = { SLIPWAY_SOURCE_FILE_FOLDERS: tmpdir(), SLIPWAY_INSTALLATION: installation };
  const modules = [SourceWatcherModule, ImageBuilderModule, TestDeployerModule, ApprovalModule, ProductionRolloutModule];
  await Promise.all(modules.map((module) => stage.start(module, settings)));
  for (const person of [tester, operator, author])
    await stage.say('gateway', PersonChanged, { subject: person.id, data: { person, version: 1, by: null } });
  const target = aTargetFile({ spec: { docker: { ports: '28000-28999' } } });
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: target, by: operator } });
});
afterAll(async () => {
  const orchestrator = new DockerOrchestrator({ engine, dataDir: `${stage.keys.dir}/targets/lab`, installation });
  await stage.clear();
  for (const environment of await orchestrator.environments())
    await orchestrator.remove(environment, { signal: AbortSignal.timeout(60_000), epoch: 1 });
  for (const image of await engine.images.list({ labels: { 'dev.slipway.project': project } }))
    await engine.images.remove(image.id, { force: true });
  await rm(repository, { recursive: true, force: true });
});

async function git(...words: string[]): Promise<void> {
  await run('git', ['-C', repository, '-c', 'user.name=Ann Author', '-c', `user.email=${author.emails[0]}`, ...words]);
}

async function commit(page: string): Promise<void> {
  await run('mkdir', ['-p', join(repository, 'site')]);
  await writeFile(join(repository, 'site', 'index.html'), page);
  await git('add', '.');
  await git('commit', '--quiet', '-m', `Say ${page}`);
}

function theProject(): ProjectFile {
  const where = { target: 'lab', deadline: '60s' };
  return ProjectFile.parse({
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name: project },
    spec: {
      source: { git: { url: `file://${repository}`, poll: '1s' } },
      image: { repository: `${realParts().registry}/${project}` },
      app: { drain: '1s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '3s' } },
      environments: [
        {
          name: 'test',
          stage: 'test',
          ...where,
          verify: [
            { http: '/', expect: 200 },
            { http: '/', contains: 'o' },
          ],
        },
        {
          name: 'pre-release',
          stage: 'pre-release',
          after: ['test'],
          ...where,
          approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
        },
        {
          name: 'production',
          stage: 'production',
          after: ['pre-release'],
          ...where,
          app: { instances: 2 },
          approval: { require: [{ role: 'operator' }] },
        },
      ],
    },
  });
}

async function signOff(person: Person, { request, asks }: DataOf<typeof ApprovalRequested>): Promise<void> {
  const claims = {
    request,
    asks,
    decision: 'approve',
    comment: '',
    person: person.id,
    time: new Date().toISOString(),
    nonce: v7(),
    via: 'token',
  };
  const payload = Buffer.from(canonicalJson(claims));
  const signature = await stage.keys.keys.gateway.signer.sign(attestationPayloadType, payload);
  const attestation = { payloadType: attestationPayloadType, payload: payload.toString('base64'), signatures: [signature] };
  await stage.say('gateway', SignOffPosted, { subject: request, data: { request, proof: { via: 'http', attestation } } });
}

describe('a commit', () => {
  it('goes through image, test and sign-offs to production, by one digest', async () => {
    await stage.say('gateway', ProjectApplied, {
      subject: project,
      data: { project, version: 1, file: theProject(), by: operator, reason: '' },
    });
    const born = await stage.hears(CommitDetected, (data) => data.release.project === project, 30_000);
    const before = await stage.hears(ApprovalRequested, (data) => data.release.id === born.release.id, 90_000);
    expect(before).toMatchObject({ environment: 'pre-release', involved: [{ id: author.id }] });
    await signOff(tester, before);
    await signOff(operator, before);
    const inPreRelease = await stage.hears(RolloutSucceeded, (data) => data.environment === 'pre-release', 60_000);
    const asked = await stage.hears(ApprovalRequested, (data) => data.environment === 'production', 30_000);
    await signOff(operator, asked);
    const live = await stage.hears(RolloutSucceeded, (data) => data.environment === 'production', 60_000);
    expect(live).toMatchObject({ image: before.deployment.image, instances: 2 });
    expect(inPreRelease.image).toEqual(live.image);
    expect(await (await fetch(live.address)).text()).toBe('one');
  });

  it('that fails its checks ends in test, and says which check and what it saw', async () => {
    await commit('tw');
    const failed = await stage.hears(VerificationFailed, (data) => data.release.project === project, 90_000);
    expect(failed.evidence.filter((check) => check.outcome === 'failed')).toMatchObject([{ check: expect.stringContaining('/') }]);
    expect(failed.authors).toMatchObject([{ email: author.emails[0] }]);
  });

  it('whose image cannot be built ends there, with the step and the log', async () => {
    await writeFile(join(repository, 'Dockerfile'), 'FROM scratch\nCOPY nothing /nothing\n');
    await commit('three');
    const failed = await stage.hears(BuildFailed, (data) => data.release.project === project, 90_000);
    expect(failed.step).toContain('COPY nothing');
  });
});
