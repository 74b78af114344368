import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { release } from '../answers.example.js';
import { GatewayDouble, Refusal } from '../gateway-double.fixture.js';

const terminal = new Terminal();
let double: GatewayDouble;

beforeEach(async () => {
  double = await GatewayDouble.start({
    refreshProject: ({ params }) =>
      params['name'] === 'shop'
        ? { command: release.id, state: 'accepted', message: 'the source is looked at now' }
        : new Refusal({ status: 404, title: 'There is no such project' }),
  });
});
afterEach(() => double.stop());
afterAll(() => terminal.clear());

const slipway = (...words: string[]) => terminal.run([...words, '--url', double.url]);

describe('project refresh', () => {
  it('has the source looked at, with a reason for the record', async () => {
    const ran = await slipway('project', 'refresh', 'shop', '--reason', 'the webhook is broken');
    expect(ran).toMatchObject({ exit: 0, out: 'project shop is refreshed: the source is looked at now\n' });
    expect(double.asked).toMatchObject([{ route: 'refreshProject', params: { name: 'shop' }, body: { reason: 'the webhook is broken' } }]);
    expect((await slipway('project', 'refresh', 'shop')).exit).toBe(2);
  });

  it('says that a project is not there', async () => {
    const ran = await slipway('project', 'refresh', 'shoop', '--reason', 'look');
    expect(ran).toMatchObject({ exit: 1, err: expect.stringContaining('There is no such project') });
  });
});
