import type { Kafka } from 'kafkajs';
import { pause } from '../trouble.js';
import { withAdmin } from './kafkajs-topics.js';

/** How often it is looked who is waited for, in ms. */
const everyMs = 100;

export interface ShowingOut {
  readonly group: string;
  /** What this process is called there. */
  readonly self: string;
  /** Of these names, those whose process is known to be gone. */
  gone(members: readonly string[]): Promise<readonly string[]>;
  /** Whether we still wait to be let in. */
  waits(): boolean;
}

/**
 * A member that was killed is waited for until its session has run out, and nobody reads meanwhile: who waits for it shows it out. Only once the group
 * waits, for us: where it were left empty first, brokers would wait for further members (`group.initial.rebalance.delay.ms`).
 */
export async function showOutTheGone(kafka: Kafka, { group, self, gone, waits }: ShowingOut): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    while (waits()) {
      const [found] = (await admin.describeGroups([group])).groups;
      const others = (found?.members ?? []).filter(({ clientId }) => clientId !== self);
      if (found?.state === 'PreparingRebalance' && others.length > 0) {
        const names = await gone([...new Set(others.map(({ clientId }) => clientId))]);
        const memberIds = others.filter(({ clientId }) => names.includes(clientId)).map(({ memberId }) => memberId);
        await admin.removeMembers({ groupId: group, memberIds });
      }
      await pause(everyMs);
    }
  });
}
