import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from './a-terminal.fixture.js';
import { tess } from './answers.example.js';
import { GatewayDouble, Refusal } from './gateway-double.fixture.js';

const token = `slw_${'t'.repeat(43)}`;
const another = `slw_${'a'.repeat(43)}`;
let terminal: Terminal;
let double: GatewayDouble;
let second: GatewayDouble;
const knows = {
  me: ({ token: given }: { token: string | undefined }) =>
    given === undefined ? new Refusal({ status: 401, title: 'who are you?' }) : tess,
};

beforeEach(async () => {
  terminal = new Terminal();
  double = await GatewayDouble.start({
    ...knows,
    redeem: ({ body }) =>
      (body as { code: string }).code.startsWith('slo_')
        ? { person: tess, token }
        : new Refusal({ status: 403, title: 'this code is not good any more' }),
  });
  second = await GatewayDouble.start(knows);
});
afterEach(async () => {
  await Promise.all([double.stop(), second.stop()]);
  terminal.clear();
});

const config = () => terminal.at('.config', 'slipway');
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);
const code = `slo_${'c'.repeat(43)}`;
const kept = () => second.asked.at(-1)?.token;

describe('login', () => {
  it('takes the code out of the link, and the address too, and keeps the token to the person', async () => {
    const ran = await terminal.run(['login'], { stdin: `${double.url}/#code=${code}\n` });
    expect(ran).toMatchObject({ exit: 0, out: `logged in to ${double.url} as Tess Tester\n` });
    expect(await modeOf(`${config()}/credentials.json`)).toBe('600');
    expect(await modeOf(config())).toBe('700');
    expect(await readFile(`${config()}/config.yaml`, 'utf8')).toBe(`url: ${double.url}\n`);
    const who = await terminal.run(['whoami', '--json']);
    expect(who.json()).toMatchObject({ name: 'Tess Tester' });
    expect(double.asked.at(-1)?.token).toBe(token);
  });

  it('asks on a terminal, and shows no token anywhere', async () => {
    const ran = await terminal.run(['login', '--url', double.url], { tty: true, types: [code] });
    expect(ran.exit).toBe(0);
    expect(`${ran.out}${ran.err}`).not.toContain('slw_');
    expect(terminal.questions).toHaveLength(1);
  });

  it('takes a token after trying it', async () => {
    expect((await terminal.run(['login', '--url', second.url], { stdin: another })).exit).toBe(0);
    expect(kept()).toBe(another);
  });

  it.each([
    ['nothing', '', 2, /nothing was given/],
    ['half a code', 'slo_', 2, /neither a one-time code nor a token/],
    ['a link without a code', 'https://slipway.example/docs', 2, /no code in this link/],
    ['a code that was used', 'x'.repeat(40), 1, /not good any more/],
  ])('says what is wrong with %s', async (_, stdin, exit, says) => {
    const ran = await terminal.run(['login', '--url', double.url], { stdin });
    expect(ran.exit).toBe(exit);
    expect(ran.err).toMatch(says);
  });
});

describe('settings', () => {
  it('are taken from flags, then the environment, then the file', async () => {
    await terminal.run(['login'], { stdin: `${double.url}/#code=${code}` });
    await writeFile(terminal.at('a-token'), another, { mode: 0o600 });
    const env = { SLIPWAY_URL: second.url, SLIPWAY_TOKEN_FILE: terminal.at('a-token') };
    await terminal.run(['whoami'], { env });
    expect(kept()).toBe(another);
    await terminal.run(['whoami', '--url', double.url], { env: { SLIPWAY_URL: second.url } });
    expect(double.asked.at(-1)).toMatchObject({ route: 'me', token });
  });

  it('never send one gateway’s token to another', async () => {
    await terminal.run(['login'], { stdin: `${double.url}/#code=${code}` });
    const ran = await terminal.run(['whoami', '--url', second.url]);
    expect(ran.exit).toBe(1);
    expect(ran.err).toContain('slipway login');
    expect(kept()).toBeUndefined();
  });

  it('keep the tokens of several gateways, and forget one', async () => {
    await terminal.run(['login'], { stdin: `${double.url}/#code=${code}` });
    await terminal.run(['login', '--url', second.url], { stdin: another });
    expect((await terminal.run(['logout'])).out).toBe(`forgot the token for ${second.url}\n`);
    expect((await terminal.run(['logout'])).exit).toBe(1);
    expect((await terminal.run(['whoami', '--url', double.url])).exit).toBe(0);
  });

  it('are found in XDG_CONFIG_HOME', async () => {
    await terminal.run(['login'], { stdin: `${double.url}/#code=${code}`, env: { XDG_CONFIG_HOME: terminal.at('elsewhere') } });
    expect(await modeOf(terminal.at('elsewhere', 'slipway', 'credentials.json'))).toBe('600');
  });

  it('refuse a token others can read, and say the chmod', async () => {
    await writeFile(terminal.at('open'), another);
    await chmod(terminal.at('open'), 0o644);
    const ran = await terminal.run(['whoami', '--url', second.url, '--token-file', terminal.at('open')]);
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain(`chmod 600 ${terminal.at('open')}`);
    expect(second.asked).toEqual([]);
  });

  it('name the file and the field that is wrong', async () => {
    await mkdir(config(), { recursive: true });
    await writeFile(`${config()}/config.yaml`, 'ulr: http://localhost:8080\n');
    const ran = await terminal.run(['whoami']);
    expect(ran.exit).toBe(2);
    expect(ran.err).toMatch(/config\.yaml: .*ulr/s);
  });

  it('do not read a token from the environment, and say so', async () => {
    const ran = await terminal.run(['whoami', '--url', second.url], { env: { SLIPWAY_TOKEN: another } });
    expect(kept()).toBeUndefined();
    expect(ran.err).toContain('SLIPWAY_TOKEN_FILE');
  });

  it('refuse a password in the address', async () => {
    const ran = await terminal.run(['whoami', '--url', 'https://me:secret@slipway.example']);
    expect(ran.exit).toBe(2);
    expect(ran.err).not.toContain('secret@');
  });
});

describe('a new token', () => {
  it('goes into a file only its person can read, and nowhere else', async () => {
    const fresh = { id: tess.id, token: another, expiresAt: null };
    const gateway = await GatewayDouble.start({ addToken: () => fresh });
    try {
      const ran = await terminal.run(['token', 'new', 'ci', '--out', terminal.at('ci-token'), '--url', gateway.url]);
      expect(`${ran.out}${ran.err}`).not.toContain('slw_');
      expect(await readFile(terminal.at('ci-token'), 'utf8')).toBe(`${another}\n`);
      expect(await modeOf(terminal.at('ci-token'))).toBe('600');
      expect((await terminal.run(['token', 'new', 'ci', '--url', gateway.url])).out).toBe(`${another}\n`);
    } finally {
      await gateway.stop();
    }
  });
});
