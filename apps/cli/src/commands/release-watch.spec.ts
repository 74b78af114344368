import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { aDetail, anEntry } from '../answers.example.js';
import { GatewayDouble, Refusal } from '../gateway-double.fixture.js';
import type { Detail } from '../references.js';
import { verdictOf } from '../watch-view.js';

const terminal = new Terminal();
let double: GatewayDouble | undefined;
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

const born = anEntry('commit.detected', 'release 42 was born');
const wait = (code: string, environment: string | null, en: string) => ({ code, environment, en, zh: en, since: null, people: [] });
const building = aDetail({
  state: 'building',
  waitingFor: [wait('build', null, 'its image is being built')],
  timeline: [born],
  environments: [],
});
const built = anEntry('image.built', 'its image was built');
const rolling = aDetail({
  state: 'rolling-out',
  waitingFor: [wait('rollout', 'production', 'the rollout to production (1/2)')],
  timeline: [born, built],
});
const done = anEntry('rollout.succeeded', 'it is live in production');
const live = aDetail({
  state: 'live',
  waitingFor: [wait('live', 'production', 'nothing: it is live in production')],
  timeline: [born, built, done],
});
const takenBack = aDetail({
  state: 'voided',
  waitingFor: [wait('ended', 'production', 'ended in production: release 41 runs there now')],
  timeline: [born, built],
  environments: [{ environment: 'production', stage: 'production', state: 'voided', request: null, address: null, since: null }],
});
const failed = aDetail({ state: 'failed', waitingFor: [wait('ended', null, 'ended: the build failed')], timeline: [born] });

/** Gives one state after another; what is asked after the last gets the last. */
function playing(...states: (Detail | Refusal)[]) {
  const next = () => (states.length > 1 ? (states.shift() as Detail) : (states[0] as Detail));
  return { getReleaseByNumber: next, getRelease: next };
}

async function watching(states: (Detail | Refusal)[], ...more: string[]) {
  double = await GatewayDouble.start(playing(...states));
  const gateway = double;
  const ringing = setInterval(() => gateway.tell('image.built', {}), 20);
  try {
    return await terminal.run(['release', 'watch', 'shop/42', '--url', double.url, ...more]);
  } finally {
    clearInterval(ringing);
  }
}

describe('watching a release', () => {
  it('tells each thing once, in plain lines where no terminal is, and ends with it', async () => {
    const ran = await watching([building, building, rolling, live]);
    expect(ran.exit).toBe(0);
    expect(ran.out.split('\n').map((line) => line.replace(/^\S+Z {2}/, ''))).toEqual([
      'release 42 was born',
      'waits for its image is being built',
      'its image was built',
      'waits for the rollout to production (1/2)',
      'it is live in production',
      'shop/42 live: nothing: it is live in production',
      '',
    ]);
  });

  it('ends with 1 when the release did not make it', async () => {
    const ran = await watching([building, failed]);
    expect(ran.exit).toBe(1);
    expect(ran.out).toContain('shop/42 failed: ended: the build failed');
  });

  it('goes on where what was taken back is asked for anew at once, and ends where it is not', async () => {
    expect(await watching([building, takenBack, takenBack, rolling, live])).toMatchObject({ exit: 0 });
    await double?.stop();
    const ran = await watching([building, takenBack]);
    expect(ran.exit).toBe(1);
    expect(ran.out).toContain('shop/42 voided: ended in production: release 41 runs there now');
  });

  it('gives a line of JSON for each thing, and the end as the last', async () => {
    const ran = await watching([building, live], '--json');
    const lines = ran.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { event: 'commit.detected' },
      { event: 'image.built' },
      { event: 'rollout.succeeded' },
      { state: 'live', ok: true },
    ]);
  });

  it('ends with 4 when its time is up', async () => {
    const ran = await watching([building], '--timeout', '1ms');
    expect(ran.exit).toBe(4);
    expect(ran.err).toContain('go on with: slipway release watch shop/42');
  });

  it('sits a gateway out that is away for a moment', async () => {
    const ran = await watching([building, new Refusal({ status: 503, title: 'starting' }), live]);
    expect(ran.exit).toBe(0);
    expect(ran.err).toMatch(/starting.*\nthe gateway answers again/);
  });

  it('waits for the next release of a project, not for any other', async () => {
    const { environments, timeline, logs, ...summary } = aDetail({ release: { ...aDetail().release, number: 41 } });
    const before = new Refusal({ status: 404, title: 'there is no such release' });
    double = await GatewayDouble.start({ ...playing(before, live), listReleases: () => ({ items: [summary], cursor: null }) });
    const ran = await terminal.run(['release', 'watch', 'shop/42', '--url', double.url]);
    expect(ran.exit).toBe(0);
    expect(ran.err).toContain('shop/42 is not born yet');
    await double.stop();
    double = await GatewayDouble.start({ ...playing(before), listReleases: () => ({ items: [summary], cursor: null }) });
    expect(await terminal.run(['release', 'watch', 'shop/43', '--url', double.url])).toMatchObject({
      exit: 1,
      err: expect.stringContaining('no such release'),
    });
  });

  it('draws on a terminal, wipes what it drew, and leaves what happened', async () => {
    double = await GatewayDouble.start(playing(building, live));
    const gateway = double;
    const ringing = setInterval(() => gateway.tell('image.built', {}), 20);
    const { out } = await terminal
      .run(['release', 'watch', 'shop/42', '--url', double.url], { tty: true, env: { NO_COLOR: '1' } })
      .finally(() => clearInterval(ringing));
    expect(out).toContain('… its image is being built');
    expect(out).toMatch(/\d{4}-\S+Z {2}it is live in production\n/);
    expect(out).toContain('\u001b[4A\u001b[0J');
    expect(out.slice(out.lastIndexOf('\u001b['))).toBe('\u001b[0Jshop/42 live: nothing: it is live in production\n');
  });
});

describe('how a release stands', () => {
  const inProduction = (state: string): Detail =>
    aDetail({ environments: [{ environment: 'production', stage: 'production', state, request: null, address: null, since: null }] });

  it.each([
    ['live', [wait('live', 'production', '')], 'live', 'good'],
    ['at the end of its path', [wait('ended', null, '')], 'passed', 'good'],
    ['replaced', [wait('ended', 'production', '')], 'replaced', 'good'],
    ['rejected', [wait('ended', 'production', '')], 'rejected', 'bad'],
    ['live here, waiting there', [wait('live', 'production', ''), wait('sign-off', 'other', '')], 'live', 'going'],
  ])('%s', (_, waitingFor, state, verdict) => {
    expect(verdictOf(aDetail({ waitingFor, state }))).toBe(verdict);
  });

  it('in one environment goes by that one', () => {
    expect(verdictOf(inProduction('live'), 'production')).toBe('good');
    expect(verdictOf(inProduction('rolled-back'), 'production')).toBe('bad');
    expect(verdictOf(inProduction('rolling-out'), 'production')).toBe('going');
    expect(verdictOf(failed, 'production')).toBe('bad');
  });
});
