import { describe, expect, it } from 'vitest';
import { eventLogContract } from '../event-log.contract.js';
import { InMemoryEventLog } from './in-memory-event-log.js';

const log = new InMemoryEventLog();
eventLogContract('in memory', () => ({ log, prefix: 'memory.' }));

describe('the log in memory', () => {
  it('takes nothing while it is away', async () => {
    const own = new InMemoryEventLog();
    await own.ensureTopics([{ name: 'a', partitions: 1, retention: 'compact' }]);
    own.goAway();
    await expect(own.publish([{ topic: 'a', key: 'k', value: Buffer.from('1'), headers: {} }])).rejects.toMatchObject({
      why: 'unavailable',
    });
    own.comeBack();
    await own.publish([{ topic: 'a', key: 'k', value: Buffer.from('1'), headers: {} }]);
  });
});
