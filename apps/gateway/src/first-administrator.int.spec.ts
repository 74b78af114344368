import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { apiClient } from '@slipway/api';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, redeemed } from './gateway.fixture.js';
import { GatewayModule } from './gateway.module.js';

let stage: Stage;
beforeAll(async () => {
  stage = await aStage();
});
afterAll(() => stage?.clear());

const file = () => join(stage.environment['SLIPWAY_DATA_DIR'] as string, 'administrator-link');
const code = async () => /^https:\/\/slipway\.example\/#code=(slo_\S+)\n$/.exec(await readFile(file(), 'utf8'))?.[1] as string;
const settings = { SLIPWAY_PUBLIC_URL: 'https://slipway.example/' };

describe('the first administrator', () => {
  it('has one link, the same for replicas that start together and after a restart, and once', async () => {
    const replicas = await Promise.all([stage.start(GatewayModule, settings), stage.start(GatewayModule, settings)]);
    const first = await code();
    const [count] = await stage.database.query<{ count: number }>('select count(*)::int as count from slipway_gateway.one_time_link');
    expect(count?.count).toBe(1);
    await Promise.all(replicas.map((replica) => replica.stop()));
    const again = await stage.start(GatewayModule, settings);
    expect(await code()).toBe(first);

    const both = await Promise.allSettled([redeemed(again.url, first, 'Ada'), redeemed(again.url, first, 'Eve')]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await problemOf(apiClient({ url: again.url }).redeem({ body: { code: first } }))).status).toBe(401);
    await again.stop();
    await stage.start(GatewayModule, settings);
    await expect(stat(file())).rejects.toThrow('ENOENT');
  });
});
