import {
  ApprovalRequested,
  DeploymentSucceeded,
  NotificationFailed,
  PersonChanged,
  RolloutFailed,
  SignOffRefused,
} from '@slipway/contracts';
import { deadDomain } from '../a-mailbox.ts';
import type { Story } from './stories.ts';

const reason = 'to see it come in all the same';

/** What people do seldom. */
export const peopleStories: readonly Story[] = [
  {
    name: 'somebody signs who may not',
    tell: async (lane) => {
      const id = await lane.commit();
      const { request } = await lane.asked(id);
      const refused = lane.hears(SignOffRefused, (data) => data.request === request);
      const sign = { params: { id: request }, body: { decision: 'approve' as const } };
      await lane.administrator.insist('signing without the role', (api) => api.signOff(sign), refused);
      await lane.goesLive(id);
    },
  },
  {
    name: 'somebody whose mailbox is gone is told in vain, and leaves',
    tell: async (lane) => {
      const email = `${crypto.randomUUID()}@${deadDomain}`;
      const body = { name: 'Greta Gone', emails: [email], roles: [{ role: 'operator' as const, project: lane.project }] };
      const added = lane.hears(PersonChanged, ({ person }) => person.emails.includes(email));
      await lane.administrator.insist('adding a person', (api) => api.addPerson({ body }), added);
      const { id } = (await added).person;
      const release = await lane.commit();
      await lane.hears(NotificationFailed, ({ to }) => to === email);
      const gone = lane.hears(PersonChanged, ({ person }) => person.id === id && !person.active);
      await lane.administrator.insist('letting go', (api) => api.changePerson({ params: { id }, body: { active: false } }), gone);
      await lane.goesLive(release);
    },
  },
  {
    name: 'a release is put back into test',
    tell: async (lane) => {
      const id = await lane.commit();
      await lane.goesLive(id);
      const { deployment } = await lane.of(DeploymentSucceeded, id);
      await lane.goesLive(await lane.commit());
      const back = lane.hears(DeploymentSucceeded, (data) => data.release.id === id && data.deployment !== deployment);
      const params = { project: lane.project, environment: 'test' };
      await lane.operator.insist('putting it back', (api) => api.deploy({ params, body: { reason, release: id } }), back);
      await lane.goesLive(await lane.commit());
    },
  },
  {
    name: 'the first rollout of a new project fails, and nothing is left of it',
    tell: async (lane) => {
      const other = await lane.another({ unhealthy: true });
      const { request, release } = await lane.hears(ApprovalRequested, (data) => data.release.project === other);
      await lane.signs(request, 'approve');
      await lane.of(RolloutFailed, release.id);
      await lane.removes(other, ['test', 'extra']);
    },
  },
];
