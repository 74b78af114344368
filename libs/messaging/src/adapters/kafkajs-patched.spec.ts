import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

const require = createRequire(import.meta.url);

describe('kafkajs as we have it', () => {
  it('takes a broker it lost for one that comes back: a consumer that met it starts again by itself', async () => {
    const Broker = require('kafkajs/src/broker') as new (options: object) => { metadata(topics: string[]): Promise<unknown> };
    const lost = new Broker({ connectionPool: {}, logger: { namespace: () => ({}) } });
    const asked = async () => await lost.metadata([]);
    await expect(asked()).rejects.toMatchObject({ name: 'KafkaJSConnectionError', message: 'Broker not connected', retriable: true });
  });
});
