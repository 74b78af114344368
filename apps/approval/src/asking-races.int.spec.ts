import {
  ApprovalRequested,
  ApprovalVoided,
  CommitDetected,
  ProjectApplied,
  type Release,
  TargetApplied,
  VerificationPassed,
} from '@slipway/contracts';
import { Database } from '@slipway/postgres';
import { anId, aProjectFile, aRelease, aTargetFile, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';
import { detected, passed } from './said.fixture.js';

const admin = { id: anId(), name: 'Ada' };

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await Promise.all([stage.start(ApprovalModule), stage.start(ApprovalModule)]);
  await stage.say('gateway', TargetApplied, { subject: 'lab', data: { target: 'lab', version: 1, file: aTargetFile(), by: admin } });
});
afterAll(() => stage.clear());

const applied = (project: string, version: number, env: Record<string, string>) =>
  stage.say('gateway', ProjectApplied, {
    subject: project,
    data: { project, version, file: aProjectFile({ name: project, spec: { app: { env } } }), by: admin, reason: '' },
  });

const sayDetected = (release: Release) => stage.say('source-watcher', CommitDetected, { subject: release.id, data: detected(release) });

const sayPassed = (release: Release) => stage.say('test-deployer', VerificationPassed, { subject: release.id, data: passed(release) });

/** Holds up whoever says something of that release, at the end of its transaction, while `meanwhile` goes on. */
async function heldUp(release: Release, meanwhile: () => Promise<void>): Promise<void> {
  const hand = await Database.connect({ url: stage.database.url, schema: 'slipway_approval', applicationName: 'hand' });
  await hand
    .transaction(async (tx) => {
      await tx.query('select 1 from sequence where key = $1 for update', [release.id]);
      await meanwhile();
      throw letGo;
    })
    .catch((error: unknown) => {
      if (error !== letGo) throw error;
    });
  await hand.close();
}
const letGo = new Error('let go');

async function waiting(): Promise<number> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await stage.database.query(sql)).length;
}

/** Until the second waits for the first or has passed it; not for long, for one replica may have been given both, and then it takes them in turn. */
const met = (event: string) =>
  eventually(async () => (await waiting()) >= 2 || (await stage.hasHandled('approval', event)), { within: 3000 }).catch(() => undefined);

async function heardOf(release: Release): Promise<void> {
  const event = await sayDetected(release);
  await stage.handles('approval', event);
}

describe('two replicas of approval', () => {
  it('miss no release whose project is applied at the same moment', async () => {
    const release = aRelease({ project: 'met', number: 1 });
    await heardOf(release);
    await heldUp(release, async () => {
      await sayPassed(release);
      await eventually(async () => (await waiting()) >= 1);
      const event = await applied('met', 1, {});
      await met(event);
    });
    await stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
  });

  it('leave nothing asked by a project file that is replaced at the same moment', async () => {
    const release = aRelease({ project: 'passed-by', number: 1 });
    const first = await applied('passed-by', 1, {});
    await stage.handles('approval', first);
    await heardOf(release);
    await heldUp(release, async () => {
      await sayPassed(release);
      await eventually(async () => (await waiting()) >= 1);
      const event = await applied('passed-by', 2, { MODE: 'new' });
      await met(event);
    });
    const asked = await stage.hears(ApprovalRequested, (data) => data.release.id === release.id);
    await stage.hears(ApprovalVoided, (data) => data.request === asked.request);
    await stage.hears(ApprovalRequested, (data) => data.release.id === release.id && data.deployment.app.env['MODE'] === 'new');
    expect(await stage.database.query('select reason from slipway_approval.dead_letter')).toEqual([]);
  });
});
