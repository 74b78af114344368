import type { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Terminal } from './a-terminal.fixture.js';
import { aDetail, projectFile, release } from './answers.example.js';
import { GatewayDouble, Refusal } from './gateway-double.fixture.js';
import { programOf } from './program.js';

const terminal = new Terminal();
let double: GatewayDouble | undefined;
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

const summary = () => {
  const { environments, timeline, logs, ...rest } = aDetail();
  return rest;
};
const noProjects = { listProjects: () => ({ items: [] }) };
const releases = { listReleases: () => ({ items: [summary()], cursor: null }), ...noProjects };
const escapes = '\u001b[';

async function commands(): Promise<Command[]> {
  const around = {
    stdout: { isTerminal: false, columns: undefined, write: () => undefined },
    stderr: { isTerminal: false, columns: undefined, write: () => undefined },
  };
  const below = (command: Command): Command[] => [command, ...command.commands.flatMap(below)];
  return below(programOf(around as never, false, () => undefined)).slice(1);
}

describe('the exit code', () => {
  it('is 0 when it went well', async () => {
    double = await GatewayDouble.start(releases);
    expect((await terminal.run(['release', 'list', '--url', double.url])).exit).toBe(0);
  });

  it('is 1 when the gateway says no, with its words', async () => {
    double = await GatewayDouble.start({ getReleaseByNumber: () => new Refusal({ status: 404, title: 'there is no such release' }) });
    const ran = await terminal.run(['release', 'show', 'shop/42', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 1, out: '', err: 'error: there is no such release\n' });
  });

  it.each([
    ['an unknown command', ['relase', 'list'], /Did you mean release/],
    ['an unknown option', ['release', 'list', '--projct', 'shop'], /Did you mean --project/],
    ['a missing argument', ['release', 'show'], /missing required argument 'release'/],
    ['a missing reason', ['release', 'retry', 'shop/42'], /--reason <text>' not specified/],
    ['a noun alone', ['release'], /Usage: slipway release <command>/],
    ['a name that is none', ['release', 'show', 'shop'], /project and number, like shop\/42/],
    ['a number that is none', ['release', 'list', '--limit', 'ten'], /whole number from 1/],
    ['an address that is none', ['release', 'list', '--url', 'slipway.example'], /--url: "slipway.example" is no address/],
  ])('is 2 for %s, and says what to write', async (_, argv, says) => {
    const ran = await terminal.run(argv);
    expect(ran.exit).toBe(2);
    expect(ran.err).toMatch(says);
  });

  it('is 3 when nobody answers, and sends to doctor', async () => {
    const ran = await terminal.run(['release', 'list', '--url', 'http://127.0.0.1:9']);
    expect(ran.exit).toBe(3);
    expect(ran.err).toContain('slipway doctor');
  });

  it('is 3 when a proxy answers for a gateway that is away', async () => {
    double = await GatewayDouble.start({ listReleases: () => new Refusal({ status: 503, title: 'try again' }) });
    expect((await terminal.run(['release', 'list', '--url', double.url])).exit).toBe(3);
  });

  it('is 4 when no service has answered in time', async () => {
    const pending = { command: release.id, state: 'pending' as const, message: '' };
    double = await GatewayDouble.start({ getReleaseByNumber: () => aDetail(), retryRelease: () => pending });
    const ran = await terminal.run(['release', 'retry', 'shop/42', '--reason', 'again', '--wait', '0s', '--url', double.url]);
    expect(ran.exit).toBe(4);
    expect(ran.err).toContain(`slipway command show ${release.id}`);
  });

  it('is 130 after Ctrl-C', async () => {
    const ending = new AbortController();
    double = await GatewayDouble.start({ getReleaseByNumber: () => aDetail(), getRelease: () => aDetail() });
    const running = terminal.run(['release', 'watch', 'shop/42', '--url', double.url], { interrupted: ending.signal });
    ending.abort();
    expect((await running).exit).toBe(130);
  });
});

describe('output', () => {
  it('says above the list of releases whose source cannot be read, and what to do', async () => {
    const since = '2026-11-23T05:00:00.000Z';
    const by = { id: release.id, name: 'Ada' };
    const project = (name: string, sourceFailing: unknown) =>
      ({ name, version: 1, file: { ...projectFile, metadata: { name } }, appliedBy: by, appliedAt: since, sourceFailing }) as never;
    const failing = { reason: { code: 'gone', message: 'no such repository' }, since, mend: 'name the right one' };
    double = await GatewayDouble.start({ ...releases, listProjects: () => ({ items: [project('shop', failing), project('hats', null)] }) });
    const ran = await terminal.run(['release', 'list', '--url', double.url]);
    expect(ran.out).toMatch(
      /^The source of shop cannot be read since 2026-11-23T05:00:00\.000Z, its new commits are not noticed: no such repository\n→ name the right one\n\nRELEASE/,
    );
    expect((await terminal.run(['release', 'list', '--project', 'hats', '--url', double.url])).out).toMatch(/^RELEASE/);
    expect((await terminal.run(['release', 'list', '--json', '--url', double.url])).json<{ items: unknown[] }>().items).toHaveLength(1);
  });

  it('is a plain table where no terminal is: no colours, no cursor', async () => {
    double = await GatewayDouble.start(releases);
    const { out } = await terminal.run(['release', 'list', '--url', double.url]);
    expect(out.split('\n')[0]).toMatch(/^RELEASE +STATE +REF +REVISION +BY +AGE +CHANGE +WAITS FOR$/);
    expect(out).toMatch(
      /^shop\/42 +awaiting-approval +main +c0ffee00c0ff +Ann Author .*Sell hats +1 operator to sign off for production$/m,
    );
    expect(out).not.toContain(escapes);
  });

  it('has colours on a terminal, unless NO_COLOR, TERM=dumb or --no-color say no', async () => {
    double = await GatewayDouble.start(releases);
    const argv = ['release', 'list', '--url', double.url];
    expect((await terminal.run(argv, { tty: true })).out).toContain(escapes);
    expect((await terminal.run(argv, { tty: true, env: { NO_COLOR: '1' } })).out).not.toContain(escapes);
    expect((await terminal.run(argv, { tty: true, env: { TERM: 'dumb' } })).out).not.toContain(escapes);
    expect((await terminal.run([...argv, '--no-color'], { tty: true })).out).not.toContain(escapes);
  });

  it('is the answer itself with --json, wherever that stands', async () => {
    double = await GatewayDouble.start(releases);
    for (const argv of [
      ['--json', 'release', 'list'],
      ['release', 'list', '--json'],
    ]) {
      const ran = await terminal.run([...argv, '--url', double.url], { tty: true });
      expect(ran.json()).toEqual({ items: [summary()] });
      expect(ran.out).not.toContain(escapes);
    }
  });

  it('tells a failure as JSON too, on standard error', async () => {
    double = await GatewayDouble.start({ listReleases: () => new Refusal({ status: 403, title: 'not yours', code: 'forbidden' }) });
    const ran = await terminal.run(['release', 'list', '--json', '--url', double.url]);
    expect(ran.out).toBe('');
    expect(JSON.parse(ran.err)).toMatchObject({ error: { code: 'forbidden', problem: { status: 403 } } });
  });

  it('lets nothing through that a terminal would obey', async () => {
    double = await GatewayDouble.start({
      listReleases: () => ({ items: [{ ...summary(), title: 'Sell\u001b[2J hats\u202e\n\u009b31m' }], cursor: null }),
      ...noProjects,
    });
    const { out } = await terminal.run(['release', 'list', '--url', double.url]);
    expect(out).toContain('Sell hats');
    for (const obeyed of ['\u001b', '\u009b', '\u202e']) expect(out).not.toContain(obeyed);
  });

  it('speaks Chinese to whose locale is Chinese', async () => {
    double = await GatewayDouble.start(releases);
    expect((await terminal.run(['release', 'list', '--url', double.url], { env: { LANG: 'zh_CN.UTF-8' } })).out).toContain('名运维');
  });

  it('follows pages up to the limit', async () => {
    double = await GatewayDouble.start({
      listReleases: ({ query }) => ({ items: [summary()], cursor: query['cursor'] === 'b' ? null : query['cursor'] === 'a' ? 'b' : 'a' }),
    });
    expect((await terminal.run(['release', 'list', '--json', '--url', double.url])).json<{ items: unknown[] }>().items).toHaveLength(3);
    expect(
      (await terminal.run(['release', 'list', '--limit', '2', '--json', '--url', double.url])).json<{ items: unknown[] }>().items,
    ).toHaveLength(2);
  });
});

describe('help', () => {
  it('is short for the program alone, on standard output', async () => {
    const ran = await terminal.run([]);
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(ran.out.split('\n').length).toBeLessThan(14);
  });

  it('begins with examples for every command, and each example is one of that command', async () => {
    const verbs = (await commands()).filter((command) => command.commands.length === 0);
    expect(verbs.length).toBeGreaterThan(45);
    for (const command of verbs) {
      const path = [command.parent?.parent ? command.parent.name() : undefined, command.name()].filter((word) => word !== undefined);
      const { exit, out } = await terminal.run([...path, '--help']);
      expect(exit).toBe(0);
      expect(out).toMatch(new RegExp(`^Examples:\\n  \\$ slipway ${path.join(' ')}`));
      expect(out).toContain('--json');
    }
  });

  it('says what every command and option is for', async () => {
    for (const command of await commands()) {
      expect(command.description()).not.toBe('');
      for (const option of command.options) expect(`${option.flags}: ${option.description}`).toMatch(/: \S/);
    }
  });
});
