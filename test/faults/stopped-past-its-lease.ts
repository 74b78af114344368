import type { Service } from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import type { FaultKind, Replica } from './fault.js';
import { asAdministrator } from './parts/a-postgres.ts';
import { aFault } from './parts/hurting.ts';
import { others, replicaOf, someReplica } from './replicas.ts';

const readyMs = 60_000;
/** How long it is waited until a process of the service claims work. */
const claimMs = 10_000;

/** Longer than any lease, and than any call is armed for: what it still believes to own is somebody else's when it goes on. It stops where it has just claimed work; hurt is the work that was taken over. */
export function stopped({ replicas }: { readonly replicas: number }): FaultKind {
  return {
    name: 'replica stopped past its lease',
    part: 'service',
    lasts: { least: 25, most: 40 },
    overlaps: others,
    weight: 3,
    make: (chance, seconds) => {
      const { service, number } = someReplica(chance, replicas);
      let hurt: Replica | undefined;
      let takenOver = async () => 0;
      return aFault({
        name: `one ${service} stands still for ${seconds} s`,
        begin: async ({ suite, hold }) => {
          const held = await hold(new RegExp(`^${service} · run .* · claimed$`), claimMs);
          hurt = suite.replicas.find(({ pid }) => pid === held?.pid) ?? replicaOf(suite.replicas, service, number);
          hurt.send('SIGSTOP');
          takenOver = await leases(suite.databaseUrl, service, held?.about ?? []);
          await held?.release();
          return undefined;
        },
        end: async () => {
          const count = await takenOver().catch(() => 0);
          hurt?.send('SIGCONT');
          await hurt?.ready(readyMs);
          return count;
        },
      });
    },
  };
}

/** Gives how many of these operations have a newer epoch than now, whenever it is asked. Where the database does not answer, nobody knows of any. */
async function leases(databaseUrl: string, service: Service, ids: readonly string[]): Promise<() => Promise<number>> {
  const epochs = () =>
    asAdministrator(databaseUrl, async (client) => {
      const { rows } = await client.query<{ id: string; epoch: string }>(
        `select id::text, epoch::text from "${schemaOf(service)}".operation where id::text = any($1)`,
        [ids],
      );
      return new Map(rows.map(({ id, epoch }) => [id, BigInt(epoch)]));
    });
  const before = await epochs().catch(() => new Map<string, bigint>());
  return async () => [...(await epochs())].filter(([id, epoch]) => epoch > (before.get(id) ?? epoch)).length;
}
