import { rename } from 'node:fs/promises';
import {
  ApprovalSuperseded,
  CommandAccepted,
  DeploymentFailed,
  EnvironmentHeld,
  EnvironmentRemoved,
  EnvironmentUnheld,
  ImageBuilt,
  PersonChanged,
  PersonInvited,
  PersonSignedIn,
  ProjectApplied,
  SourceFailed,
  SourceRecovered,
  TargetApplied,
  TokenAdded,
  TokenRevoked,
} from '@slipway/contracts';
import { until } from '../../../tools/parts/until.ts';
import { Gateways } from './gateways.ts';
import { type Lane, stepMs } from './lane.ts';
import { fresh, newsOf } from './news.ts';
import { registersAKey } from './rare-stories.ts';
import type { Story } from './stories.ts';

const reason = 'to see it taken in all the same';

/** What is done beside the ways of a release: by administrators, to sources, and by the clock. */
export const moreStories: readonly Story[] = [
  {
    name: 'a newer release overtakes one in test and one that waits',
    tell: async (lane) => {
      const test = { project: lane.project, environment: 'test' };
      const held = newsOf(lane)(EnvironmentHeld);
      await lane.operator.insist('holding', (api) => api.hold({ params: test, body: { reason, until: null } }), held);
      const first = await lane.commit();
      await lane.of(ImageBuilt, first);
      const second = await lane.commit();
      await lane.of(ImageBuilt, second);
      const unheld = newsOf(lane)(EnvironmentUnheld);
      await lane.operator.insist('letting go', (api) => api.unhold({ params: test, body: { reason } }), unheld);
      await lane.of(DeploymentFailed, first);
      await lane.asked(second);
      await lane.push();
      const third = await lane.commit();
      await lane.goesLive(third);
      await lane.of(ApprovalSuperseded, second);
    },
  },
  {
    name: 'a hold ends by itself, and a source is looked at now',
    tell: async (lane) => {
      const test = { project: lane.project, environment: 'test' };
      const held = newsOf(lane)(EnvironmentHeld);
      const unheld = newsOf(lane)(EnvironmentUnheld);
      const soon = () => new Date(Date.now() + 4_000).toISOString();
      await lane.operator.insist('holding', (api) => api.hold({ params: test, body: { reason, until: soon() } }), held);
      await unheld;
      const looked = lane.hears(CommandAccepted, fresh(lane, CommandAccepted.name));
      const refresh = { params: { name: lane.project }, body: { reason } };
      await lane.operator.insist('looking now', (api) => api.refreshProject(refresh), looked);
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'a source goes away and comes back',
    tell: async (lane) => {
      const { dir } = lane.repository;
      const failed = newsOf(lane)(SourceFailed);
      const recovered = newsOf(lane)(SourceRecovered);
      await rename(dir, `${dir}-away`);
      await failed.finally(() => rename(`${dir}-away`, dir));
      await recovered;
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'a project changes, loses an environment, and is removed',
    tell: async (lane) => {
      const other = await lane.another();
      const gone = lane.hears(EnvironmentRemoved, (data) => data.project === other && data.environment === 'extra');
      const applied = lane.hears(ProjectApplied, (data) => data.project === other && data.version > 1);
      const body = lane.fileOf(other);
      await lane.administrator.insist('applying', (api) => api.applyProject({ params: { name: other }, body, query: { reason } }), applied);
      await gone;
      await lane.removes(other, ['test']);
    },
  },
  {
    name: 'an administrator changes targets, and a person comes, makes a token and a key and takes them back',
    tell: async (lane) => {
      const name = `spare-${lane.project}`;
      const target = lane.targetOf(name);
      const applied = lane.hears(TargetApplied, (data) => data.target === name);
      await lane.administrator.insist('applying a target', (api) => api.applyTarget({ params: { name }, body: target }), applied);
      const gone = lane.hears(TargetApplied, (data) => data.target === name && data.file === null);
      await lane.administrator.insist('removing a target', (api) => api.removeTarget({ params: { name } }), gone);
      await somebodyComes(lane);
    },
  },
];

async function somebodyComes(lane: Lane): Promise<void> {
  const email = `${crypto.randomUUID()}@example.org`;
  const roles = [{ role: 'tester' as const, project: '*' }];
  const added = lane.hears(PersonChanged, ({ person }) => person.emails.includes(email));
  await lane.administrator.insist('adding a person', (api) => api.addPerson({ body: { name: 'Nora New', emails: [email], roles } }), added);
  const { id } = (await added).person;
  const invited = lane.hears(PersonInvited, ({ person }) => person.id === id);
  const signedIn = lane.hears(PersonSignedIn, ({ person }) => person.id === id);
  // The code is told once, to who asked: whoever missed the answer asks for another.
  const comes = () =>
    lane.administrator
      .call((api) => api.invite({ params: { id } }))
      .then(({ code }) => lane.administrator.call((api) => api.redeem({ body: { code } })));
  const { token } = await until('somebody comes in', comes, { within: stepMs, every: 300 });
  await Promise.all([invited, signedIn]);
  const own = new Gateways(lane.urls, token);
  const made = lane.hears(TokenAdded, ({ person }) => person.id === id);
  await own.insist('making a token', (api) => api.addToken({ body: { name: 'another', days: 1 } }), made);
  const { token: another } = await made;
  const revoked = lane.hears(TokenRevoked, (data) => data.token === another);
  await own.insist('taking it back', (api) => api.revokeToken({ params: { id: another } }), revoked);
  await registersAKey(lane, id, own);
}
