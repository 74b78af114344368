import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@slipway/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aPlace, type Place } from './a-place.ts';
import { endedByCtrlC, keys } from './a-terminal.ts';

const run = promisify(execFile);
let place: Place;

beforeEach(async () => {
  place = await aPlace();
});
afterEach(() => place.clear());

const demo = (words: string) => place.terminal(`npm run --silent demo -- ${words}`);

describe('npm run demo', () => {
  it('asks a person at the terminal for every sign-off, ends with 0 and leaves nothing behind', async () => {
    const screen = demo('--once --one-process');
    for (const question of ['Tess Tester: sign release 1 off for pre-release', 'Omar Operator: sign release 1 off for pre-release']) {
      await screen.sees(new RegExp(`${question}\\? \\[Y/n\\] `), 200_000);
      screen.types(keys.enter);
    }
    await screen.sees(/Omar Operator: sign release 1 off for production\? \[Y\/n\] /);
    expect(await place.names()).toBeDefined();
    expect((await place.left()).length).toBeGreaterThan(3);
    screen.types(`y${keys.enter}`);
    await screen.sees(/Tess Tester: why do you send release 3 back\? \[.*\] /);
    screen.types(`The hats are missing.${keys.enter}`);
    for (const question of ['Tess Tester', 'Omar Operator', 'Omar Operator']) {
      await screen.sees(new RegExp(`${question}: sign release 4 off for [a-z-]+\\? \\[Y/n\\] `));
      screen.types(`yes${keys.enter}`);
    }
    await screen.sees(/All 17 steps happened, in [\d.]+ s/, 200_000);
    expect(await screen.ended()).toBe(0);
    expect(screen.shown).toMatch(/\d+ requests answered meanwhile, \d+ cut off; then \d+ requests answered, 0 failed/);
    expect(screen.shown).toMatch(/in all \d+ requests answered \(\d+ with keep-alive, \d+ without\), \d+ failed/);
    expect(await place.left()).toEqual([]);
  });

  it('ends by Ctrl-C at a question as anywhere else', async () => {
    const screen = demo('');
    await screen.sees(/Tess Tester: sign release 1 off for pre-release\? /, 200_000);
    await place.names();
    screen.types(keys.ctrlC);
    await screen.sees(/interrupted[\s\S]*Interrupted\.\s+Tidying up\./);
    expect(await screen.ended()).toBe(130);
    expect(screen.shown).not.toMatch(/did not happen|Aborted/);
    expect(await place.left()).toEqual([]);
  });

  it('ends where a person says no, and says so', async () => {
    const screen = demo('--once');
    await screen.sees(/Tess Tester: sign release 1 off for pre-release\? /, 200_000);
    screen.types(`n${keys.enter}`);
    await screen.sees(/did not sign release 1 off for pre-release, so the story ends here/);
    expect(await screen.ended()).toBe(1);
    expect(await place.left()).toEqual([]);
  });

  it('walks the way from Subversion, stays up for a commit by hand, and keeps its data where it was asked to', async () => {
    const screen = demo('--svn --yes --keep');
    const [, shop = ''] = await screen.sees(/(http:\S+) {2}the shop in production/, 300_000);
    const [, exported = ''] = await screen.sees(/(export SLIPWAY_URL=\S+ SLIPWAY_TOKEN_FILE=\S+)/);
    const [, byHand = ''] = await screen.sees(/(cd \S+ && .*svn commit.*)/);
    await screen.sees(/It stays up until Ctrl-C\./);
    expect(await (await fetch(shop)).text()).toContain('data-commit="1"');
    await run('sh', ['-c', byHand], { env: { ...place.env, EDITOR: 'sed -i s/Shop/Stall/' } });
    const slipway = (words: string) => run('sh', ['-c', `${exported}; npx slipway ${words}`], { env: place.env });
    await eventually(async () => (await slipway('release show shop/5')).stdout.includes('shop/5'), { within: 60_000, every: 500 });
    screen.types(keys.ctrlC);
    const [, kept = ''] = await screen.sees(/Data and logs are kept in (\S+)/);
    expect(endedByCtrlC).toContain(await screen.ended());
    expect(await readdir(join(kept, 'logs'))).toContain('approval.log');
    expect(existsSync(join(kept, 'svn', 'shop'))).toBe(true);
    expect((await place.containers()).filter(({ State }) => State === 'running').length).toBeGreaterThan(3);
    expect((await place.left()).filter((what) => what.startsWith('process'))).toEqual([]);
  });

  it('gives nobody’s sign-off where there is no terminal and no --yes', async () => {
    const ran = run('npm', ['run', '--silent', 'demo', '--', '--once'], { env: place.env });
    ran.child.stdin?.end();
    const failed = await ran.catch((error: unknown) => error as { code: number; stderr: string });
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringMatching(/no terminal.*--yes/) });
    expect(await place.left()).toEqual([]);
  });
});
