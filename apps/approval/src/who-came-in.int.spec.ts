import { AuditLinked, type DataOf, PersonInvited, PersonSignedIn, TokenAdded, TokenRevoked } from '@slipway/contracts';
import { anId, eventually } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalModule } from './approval.module.js';

const ada = { id: anId(), name: 'Ada' };
const tess = { id: anId(), name: 'Tess' };
const token = anId();
const expiresAt = '2027-01-01T00:00:00.000Z';
let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  await Promise.all([stage.start(ApprovalModule), stage.start(ApprovalModule)]);
});
afterAll(() => stage.clear());

/** What stands in the chain of the installation so far, in its order. */
function chain(): DataOf<typeof AuditLinked>['links'] {
  return stage.heard
    .filter(({ name }) => name === AuditLinked.name)
    .map(({ data }) => data as DataOf<typeof AuditLinked>)
    .filter((linked) => linked.chain === 'installation')
    .flatMap(({ links }) => links);
}

describe('the chain of the installation', () => {
  it('has who was invited and came in, and which tokens were made and revoked, each once', async () => {
    const about = { subject: tess.id };
    const said = [
      await stage.say('gateway', PersonInvited, { ...about, data: { person: tess, by: ada, expiresAt } }),
      await stage.say('gateway', PersonSignedIn, { ...about, data: { person: tess, with: 'invitation', token, expiresAt } }),
      await stage.say('gateway', TokenAdded, { ...about, data: { person: tess, token, name: 'laptop', expiresAt: null } }),
      await stage.say('gateway', TokenRevoked, { ...about, data: { person: tess, token, name: 'laptop', by: ada } }),
    ];
    await eventually(() => chain().length >= said.length);
    expect(chain().map(({ event }) => event)).toEqual(said);
    expect(chain().map(({ entry }) => entry)).toEqual([
      { event: 'person.invited', person: tess, by: ada, expiresAt },
      { event: 'person.signed-in', person: tess, with: 'invitation', token, expiresAt },
      { event: 'token.added', person: tess, token, name: 'laptop', expiresAt: null },
      { event: 'token.revoked', person: tess, token, name: 'laptop', by: ada },
    ]);
  });
});
