import { type Service, services } from '@slipway/contracts';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TwoVersions, twoVersions, type Wanted } from './two-versions.js';
import { compiledYesterday, type Yesterday } from './yesterday.ts';

let yesterday: Yesterday;
let running: TwoVersions | undefined;

beforeAll(async () => {
  yesterday = await compiledYesterday((text) => process.stderr.write(`${text}\n`));
}, 700_000);
afterEach(async () => {
  await running?.clear();
  running = undefined;
}, 180_000);

async function begun(begins: Wanted['begins']): Promise<TwoVersions> {
  running = await twoVersions({ ports: '26000-26999', versions: { yesterday: yesterday.folder }, begins });
  return running;
}

describe('two versions of a service on one database, the same topics and groups', () => {
  it.each([...services])(
    'yesterday’s %s beside today’s: releases go all the way through, whoever of the two takes them',
    async (one) => {
      const run = await begun((service, replica) => (replica === 1 ? 'today' : service === one ? 'yesterday' : undefined));
      await run.goesLive(1, 'one');
      await run.push('two');
      await run.goesLive(2, 'two');
      // The newer one goes, and the older one has it alone: what the newer one has left behind must be good enough for it.
      await run.to('yesterday', one, 1);
      await run.push('three');
      await run.goesLive(3, 'three');
      await run.goesBack(2, 'two');
      await run.judged();
      const ended = run.suite.replicas.filter(({ service, restarts }) => restarts > (service === one ? 1 : 0));
      expect(ended.map(({ service, number }) => `${service} ${number}`)).toEqual([]);
    },
    900_000,
  );
});

describe('an upgrade while releases are on their way', () => {
  it('begins with the database of tomorrow under the services of yesterday, and goes on one service after the other', async () => {
    const run = await begun((_, replica) => (replica === 1 ? 'today' : undefined));
    await run.goesLive(1, 'one');
    // Today’s migrations are done by now: all of yesterday works on them.
    for (const service of services) await run.to('yesterday', service);
    await run.push('two');
    await run.goesLive(2, 'two');
    await run.push('three');
    const live = run.goesLive(3, 'three');
    for (const service of inTheOrderOfTheWay) await run.to('today', service);
    await live;
    await run.push('four');
    await run.goesLive(4, 'four');
    await run.goesBack(2, 'two');
    await run.judged();
  }, 1_200_000);
});

/** Each is upgraded while the release is with it, or on its way to it. */
const inTheOrderOfTheWay: readonly Service[] = [
  'source-watcher',
  'image-builder',
  'test-deployer',
  'approval',
  'production-rollout',
  'gateway',
  'notifier',
];
