import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { projectFile, release } from '../answers.example.js';
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

describe('project show', () => {
  it('names why the source cannot be read, since when and what to do', async () => {
    const since = '2026-11-23T05:00:00.000Z';
    const sourceFailing = {
      reason: { code: 'authentication', message: 'git.example refuses the password' },
      since,
      mend: 'put a good one in',
    };
    const project = { name: 'shop', version: 1, file: projectFile, appliedBy: { id: release.id, name: 'Ada' }, appliedAt: since };
    await double.stop();
    double = await GatewayDouble.start({
      getProject: () => ({ ...project, sourceFailing }),
      listProjects: () => ({ items: [{ ...project, sourceFailing }] }),
    });
    expect((await slipway('project', 'show', 'shop')).out).toMatch(
      /cannot be read +since 2026-11-23T05:00:00\.000Z: git\.example refuses the password\n +→ put a good one in\n/,
    );
    expect((await slipway('project', 'list')).out).toContain('its source cannot be read');
    await double.stop();
    double = await GatewayDouble.start({ getProject: () => project });
    expect((await slipway('project', 'show', 'shop')).out).not.toContain('cannot be read');
  });
});

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
