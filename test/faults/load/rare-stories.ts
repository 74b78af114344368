import { generateKeyPairSync } from 'node:crypto';
import {
  ApprovalExpired,
  CommandAccepted,
  CommandRefused,
  type DataOf,
  EventDeadLettered,
  PersonChanged,
  type Service,
  SignOffPosted,
} from '@slipway/contracts';
import { until } from '../../../tools/parts/until.ts';
import type { Gateways } from './gateways.ts';
import { type Lane, stepMs } from './lane.ts';
import { fresh } from './news.ts';
import type { Story } from './stories.ts';

const reason = 'to see it taken in all the same';

/** What happens seldom, and by itself or by an administrator. */
export const rareStories: readonly Story[] = [
  {
    name: 'nobody answers a request, and it expires',
    tell: async (lane) => {
      const other = await lane.another({ approval: { require: [{ role: 'operator' }], expires: '5s' } });
      await lane.hears(ApprovalExpired, ({ release }) => release.project === other);
      await lane.removes(other, ['test', 'extra']);
    },
  },
  {
    name: 'a record that nobody can read is tried again, and given up',
    tell: async (lane) => {
      const letters = await deadLetters(lane);
      const [params] = letters;
      const refused = lane.hears(CommandRefused, fresh(lane, CommandRefused.name));
      await lane.administrator.insist('trying again', (api) => api.replayDeadLetter({ params, body: { reason } }), refused);
      for (const params of letters) {
        const discarded = lane.hears(CommandAccepted, fresh(lane, CommandAccepted.name));
        await lane.administrator.insist('giving up', (api) => api.discardDeadLetter({ params, body: { reason } }), discarded);
      }
    },
  },
  {
    name: 'the ledger is folded anew',
    tell: async (lane) => {
      const folded = lane.hears(CommandAccepted, fresh(lane, CommandAccepted.name));
      await lane.administrator.insist('folding', (api) => api.rebuildLedger({ params: {}, body: { reason } }), folded);
      await lane.goesLive(await lane.commit());
    },
  },
];

/** A sign-off whose words were changed on its way, as whoever may write to Kafka can; gives where approval and the gateway laid it aside. */
async function deadLetters(lane: Lane): Promise<[Letter, Letter]> {
  const posted = lane.suite.ear.once().findLast(({ headers }) => headers['ce_type'] === SignOffPosted.type);
  if (posted === undefined) throw new Error('nobody signed anything yet');
  const headers = { ...posted.headers, ce_id: crypto.randomUUID() };
  const record = { topic: posted.topic, key: posted.key ?? '', value: Buffer.from('{"nothing": "to be read"'), headers };
  const [{ partition = 0, next = '1' } = {}] = await lane.suite.ear.publish([record]);
  const offset = String(BigInt(next) - 1n);
  const letterOf = async (service: Service): Promise<Letter> => {
    const mine = (at: { service: string; topic: string; partition: number; offset: string }) =>
      at.service === service && at.topic === posted.topic && at.partition === partition && at.offset === offset;
    await lane.hears(EventDeadLettered, mine);
    const found = async () => {
      const { items } = await lane.administrator.call((api) => api.listDeadLetters({ query: { service } }));
      return items.find(mine);
    };
    const { id } = await until('the dead letter is told', found, { within: stepMs, every: 300 });
    return { service, id };
  };
  return [await letterOf('approval'), await letterOf('gateway')];
}

/** As the API has its place. */
interface Letter {
  readonly service: Service;
  readonly id: string;
}

/** Somebody registers a key, and takes it back. */
export async function registersAKey(lane: Lane, person: string, own: Gateways): Promise<void> {
  const { kty, crv, x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const jwk = { kty: kty as 'OKP', crv: crv as 'Ed25519', x };
  const mine = (data: DataOf<typeof PersonChanged>) => (data.person.id === person ? data.person.keys.filter((key) => key.jwk.x === x) : []);
  const added = lane.hears(PersonChanged, (data) => mine(data).length > 0);
  await own.insist('registering a key', (api) => api.addKey({ body: { jwk } }), added);
  const [{ id = '' } = {}] = mine(await added);
  const revoked = lane.hears(PersonChanged, (data) => mine(data).some(({ revokedAt }) => revokedAt !== null));
  await own.insist('taking the key back', (api) => api.revokeKey({ params: { id } }), revoked);
}
