import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aPlace, type Place } from './a-place.ts';
import { endedByCtrlC, keys, type Terminal } from './a-terminal.ts';

const run = promisify(execFile);
let place: Place;

beforeEach(async () => {
  place = await aPlace();
});
afterEach(() => place.clear());

async function started(): Promise<{ screen: Terminal; url: string }> {
  const screen = place.terminal('npm start --silent');
  const [, url = ''] = await screen.sees(/Slipway answers at (\S+)/, 200_000);
  return { screen, url };
}

describe('npm start', () => {
  it('lets an administrator in, keeps its data from one start to the next, and leaves no process', async () => {
    const first = await started();
    expect(first.screen.shown).toContain(`Data, keys and logs: ${place.data}`);
    expect(first.screen.shown).toMatch(/embedded one[\s\S]*DATABASE_URL/);
    const [, link = ''] = await first.screen.sees(/Become its administrator, once: (\S+)/);
    await first.screen.sees(/Ctrl-C stops it\./);
    const login = place.terminal('npx slipway login --name "Ada Administrator" --email ada@example.org');
    await login.sees(/:\s/);
    login.types(`${link}${keys.enter}`);
    expect(await login.ended()).toBe(0);
    const slipway = async (...words: string[]) => (await run('npx', ['slipway', ...words], { env: place.env })).stdout;
    await slipway('person', 'add', 'Tess Tester', '--email', 'tess@example.org', '--role', 'tester');
    first.screen.types(keys.ctrlC);
    await first.screen.sees(/Stopping\. What was deployed goes on running\./);
    expect(endedByCtrlC).toContain(await first.screen.ended());
    expect(await place.left()).toEqual([]);

    const second = await started();
    await second.screen.sees(/Ctrl-C stops it\./);
    expect(second.url).toBe(first.url);
    expect(second.screen.shown).not.toContain('Become its administrator');
    expect(await slipway('person', 'list')).toContain('Tess Tester');
    second.screen.types(keys.ctrlC);
    expect(endedByCtrlC).toContain(await second.screen.ended());
    expect(await place.left()).toEqual([]);
  });
});
