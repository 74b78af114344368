import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { aDetail, digest, release } from '../answers.example.js';
import { GatewayDouble, Refusal } from '../gateway-double.fixture.js';

const terminal = new Terminal();
let double: GatewayDouble;
const at = '2026-11-23T05:00:00.000Z';
const accepted = () => ({ command: release.id, state: 'accepted' as const, message: '' });
const view = {
  project: 'shop',
  environment: 'production',
  stage: 'production' as const,
  running: { release, image: { repository: 'localhost:5000/shop', digest }, address: 'http://127.0.0.1:20002', since: at },
  rolling: null,
  instances: 4,
  scaledTo: 4,
  drifted: true,
  drift: { since: at, found: ['1 of 4 instances serve'] },
  held: null,
  barred: [41],
  history: [{ release: 42, digest, at, how: 'rolled-out' as const, by: 'Omar Operator', seconds: 12 }],
};

beforeEach(async () => {
  double = await GatewayDouble.start({
    getEnvironment: () => view,
    listEnvironments: () => ({ items: [view] }),
    scale: accepted,
    rollback: accepted,
    hold: accepted,
    unhold: accepted,
    deploy: accepted,
    getReleaseByNumber: () => aDetail(),
  });
});
afterEach(() => double.stop());
afterAll(() => terminal.clear());

const slipway = (words: string, more = {}) => terminal.run([...words.split(' '), '--url', double.url], more);
const said = () => double.asked.at(-1);

describe('environment', () => {
  it('shows what runs, how many, what is barred and what ran before; by two words or one', async () => {
    for (const where of ['shop production', 'shop/production']) {
      const { out } = await slipway(`environment show ${where}`);
      expect(out).toMatch(/^runs +shop\/42 since/m);
      expect(out).toMatch(/^instances +4 \(scaled\)$/m);
      expect(out).toMatch(/^now +drifted$/m);
      expect(out).toMatch(/^differs +since 2026-11-23T05:00:00\.000Z from what was approved\n +1 of 4 instances serve$/m);
      expect(out).toMatch(/^barred +41: /m);
      expect(out).toMatch(/^42 +rolled-out .* 12s +Omar Operator/m);
    }
    expect((await slipway('environment list shop')).out).toMatch(/^production +production +shop\/42 .*drifted$/m);
    expect(await slipway('environment show shop')).toMatchObject({ exit: 2, err: expect.stringContaining('shop production') });
  });

  it('is scaled, and reset, with a reason', async () => {
    expect((await slipway('environment scale shop production --to 4 -r sale')).out).toBe('shop production is scaled to 4\n');
    expect(said()).toMatchObject({
      route: 'scale',
      params: { project: 'shop', environment: 'production' },
      body: { instances: 4, reason: 'sale' },
    });
    await slipway('environment scale shop production --reset -r over');
    expect(said()?.body).toEqual({ instances: null, reason: 'over' });
    expect((await slipway('environment scale shop production -r why')).exit).toBe(2);
    expect((await slipway('environment scale shop production --to 4 --reset -r why')).exit).toBe(2);
  });

  it('is scaled to nothing, or rolled back, only after a yes', async () => {
    expect((await slipway('environment scale shop production --to 0 -r quiet')).exit).toBe(2);
    expect((await slipway('environment rollback shop production -r broken', { tty: true, types: ['n'] })).exit).toBe(1);
    expect(terminal.questions.at(-1)).toContain('Roll shop production (production) back from shop/42 to the last good release?');
    expect(double.asked.map(({ route }) => route)).not.toContain('rollback');
    expect((await slipway('environment rollback shop production --to 40 -r broken --yes')).exit).toBe(0);
    expect(said()?.body).toEqual({ to: 40, reason: 'broken' });
  });

  it('is held for a while or until a time', async () => {
    await slipway('environment hold shop test --until 2h -r testing', { now: new Date(at) });
    expect(said()?.body).toEqual({ until: '2026-11-23T07:00:00.000Z', reason: 'testing' });
    await slipway('environment hold shop test --until 2026-11-23T18:00:00+08:00 -r testing');
    expect(said()?.body).toEqual({ until: '2026-11-23T10:00:00.000Z', reason: 'testing' });
    expect(await slipway('environment hold shop test --until tomorrow -r testing')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('2h'),
    });
  });

  it('takes a release of its own project only', async () => {
    expect((await slipway('environment deploy shop test --release shop/42 -r look --yes')).exit).toBe(0);
    expect(said()?.body).toEqual({ release: release.id, reason: 'look' });
    expect((await slipway('environment deploy hats test --release shop/42 -r look --yes')).exit).toBe(2);
  });
});

describe('a command', () => {
  const view = {
    command: release.id,
    action: { kind: 'release.retry' as const, release: release.id },
    person: { id: release.id, name: 'Tess' },
    reason: 'again',
    issuedAt: at,
    answeredAt: null,
    message: null,
  };

  it.each([
    ['accepted', 'built again', 0],
    ['refused', 'it is live already', 1],
  ] as const)('that is %s late is waited for', async (state, message, exit) => {
    await double.stop();
    let asked = 0;
    double = await GatewayDouble.start({
      getReleaseByNumber: () => aDetail(),
      retryRelease: () => ({ ...accepted(), state: 'pending' }),
      getCommand: () => (++asked < 2 ? { ...view, state: 'pending' } : { ...view, state, message }),
    });
    const ran = await slipway('release retry shop/42 -r again');
    expect(ran.exit).toBe(exit);
    expect(`${ran.out}${ran.err}`).toContain(message);
  });
});

describe('logs', () => {
  it('are given whole, chunk after chunk, and followed to their end', async () => {
    await double.stop();
    const text = ['one\n', 'two\u001b[2J\n', 'three\n'];
    double = await GatewayDouble.start({
      getReleaseByNumber: () => aDetail(),
      releaseLogs: ({ query }) => {
        const from = Number(query['from']);
        return { stream: 'build', from, next: from + 1, text: text[from] ?? '', last: from === 2 };
      },
    });
    expect((await slipway('release logs shop/42')).out).toBe(text.join(''));
    expect((await slipway('release logs shop/42 build --follow', { tty: true })).out).toBe('one\ntwo\nthree\n');
    expect((await slipway('release logs shop/42 --list')).out).toContain('build');
    expect(await slipway('release logs shop/42 tests')).toMatchObject({ exit: 1, err: expect.stringContaining('it has build') });
  });

  it.each([
    ['build', 'build/10'],
    ['build/2', 'build/2'],
    ['verify/test', 'verify/test/1.2'],
  ])('of %s are those of its last attempt', async (called, stream) => {
    await double.stop();
    double = await GatewayDouble.start({
      getReleaseByNumber: () => ({
        ...aDetail(),
        logs: ['build/1', 'build/10', 'build/2', 'verify/test/1', 'verify/test/1.2', 'verify/test/1/junit-1'],
      }),
      releaseLogs: ({ query }) => ({ stream: query['stream'] as string, from: 0, next: 1, text: `${query['stream']}\n`, last: true }),
    });
    expect((await slipway(`release logs shop/42 ${called}`)).out).toBe(`${stream}\n`);
  });
});

describe('dead letters', () => {
  const letter = {
    service: 'approval' as const,
    id: '17',
    topic: 'slipway.builds',
    partition: 0,
    offset: '9',
    event: null,
    name: 'image.built',
    reason: 'bad signature',
    stack: 'at x',
    bytes: 40,
    excerpt: '{"a":"\u001b[2Jhats\u202e"}',
    at,
    state: 'open' as const,
  };

  it('are listed while open, shown with their stack, and dealt with', async () => {
    await double.stop();
    double = await GatewayDouble.start({
      listDeadLetters: () => ({ items: [letter, { ...letter, id: '18', state: 'discarded', excerpt: null }], cursor: null }),
      replayDeadLetter: accepted,
      discardDeadLetter: () => new Refusal({ status: 409, title: 'it was replayed already' }),
    });
    expect((await slipway('dead-letters list')).out).toMatch(/^approval +17 +image\.built +slipway\.builds\/0@9 .*bad signature$/m);
    expect((await slipway('dead-letters list')).out).not.toMatch(/^\S+ +18 /m);
    const shown = (await slipway('dead-letters show approval 17')).out;
    expect(shown).toMatch(/^stack +at x$/m);
    expect(shown).toMatch(/^body +\{"a":"hats"\} … \(40 bytes\)$/m);
    expect((await slipway('dead-letters show approval 18')).out).toMatch(/^body +40 bytes, not shown: no service of Slipway signed it/m);
    expect((await slipway('dead-letters replay approval 17 -r mended')).exit).toBe(0);
    expect(await slipway('dead-letters discard approval 17 -r junk')).toMatchObject({ exit: 2 });
    expect(await slipway('dead-letters discard approval 17 -r junk --yes')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('replayed already'),
    });
    expect(await slipway('dead-letters replay aproval 17 -r x')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('there are source-watcher'),
    });
  });

  it('are dealt with all at once where they fit, the oldest first, and those that are refused are told', async () => {
    await double.stop();
    const other = { ...letter, id: '19', name: 'slipway.image.built.v1', reason: 'handler-failed: x' };
    double = await GatewayDouble.start({
      listDeadLetters: () => ({
        items: [{ ...other, id: '21' }, other, letter, { ...other, id: '18', state: 'discarded' }, { ...other, id: '20', name: null }],
        cursor: null,
      }),
      replayDeadLetter: (asked) => (asked.params['id'] === '21' ? new Refusal({ status: 409, title: 'it fails as before' }) : accepted()),
    });
    expect((await slipway('dead-letters list --event image.built --because handler-failed')).out.match(/^approval.*$/gm)).toHaveLength(2);
    const ran = await slipway('dead-letters replay approval --all --event image.built --because handler-failed -r mended');
    expect(double.asked.filter(({ route }) => route === 'replayDeadLetter').map(({ params }) => params['id'])).toEqual(['19', '21']);
    expect(ran).toMatchObject({ exit: 1, out: expect.stringContaining('21 stays: it fails as before') });
    expect(ran.out).toContain('1 of 2 done');
    expect(ran.err).toContain('2 of 2: 21 stays');
    expect((await slipway('dead-letters replay approval --all --event none -r x')).out).toContain('there is none that fits');
    expect(await slipway('dead-letters replay approval -r x')).toMatchObject({ exit: 2, err: expect.stringContaining('or say --all') });
    expect(await slipway('dead-letters discard approval --all -r x')).toMatchObject({ exit: 2 });
  });
});
