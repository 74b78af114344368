import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailed } from '@slipway/contracts';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack } from './case.ts';
import { CommandLine } from './command-line.ts';
import { GitPlace } from './git-place.ts';
import { aProjectFileOf, call } from './world.ts';

/** What a terminal would obey, what a page would run, and what turns a line round. */
const evil = '<img src=x onerror=alert(1)></script>\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007\u001b[2J\u202ekcab\u009b31m';
const name = `attack-${v7().slice(-8)}`;
let place: GitPlace;
let ear: Ear;
let line: CommandLine;

beforeAll(async () => {
  const on = attacked();
  place = await GitPlace.make();
  ear = await Ear.at(on.topicPrefix);
  line = await CommandLine.of(on);
  const repository = await place.repository();
  await copyFile('/bin/busybox', join(repository.work, 'busybox'));
  const says = ['FROM scratch', 'COPY busybox evil.txt /', 'RUN ["/busybox","cat","/evil.txt"]', 'RUN ["/busybox","false"]'];
  await repository.commit({ Dockerfile: `${says.join('\n')}\n`, 'evil.txt': `${evil} ${name}\n` }, `${evil}\n\n${evil}`, {
    author: `Eve ${evil.replaceAll(/[<>]/g, '')} <eve@example.com>`,
  });
  await on.administrator.applyProject({
    params: { name },
    body: aProjectFileOf(name, repository.source.url),
    query: { reason: `because ${evil.replaceAll('\u0000', '')}` },
  });
  await ear.hears(BuildFailed, ({ release }) => release.project === name, 60_000);
}, 120_000);
afterAll(async () => {
  await ear?.close();
  await place?.drop();
  await line?.drop();
});

describe('Text that somebody else wrote', () => {
  attack(
    'W24',
    {
      input:
        'a commit message, an author, a reason and a build log with <img onerror>, </script>, an OSC-8 link to javascript:, a cleared screen and U+202E',
      expected:
        'text everywhere: JSON that no browser takes for a page, pages that show none of it and run nothing, a command line that obeys none of it.',
      within: 120_000,
      provenBy: [{ file: 'apps/gateway/src/http/release-page.spec.ts', test: 'says what to type, and loads and runs nothing' }],
    },
    async (on) => {
      const said: Record<string, string> = {};
      for (const words of [
        ['release', 'list', '--project', name],
        ['release', 'show', `${name}/1`],
        ['release', 'logs', `${name}/1`, 'build'],
        ['project', 'show', name],
        ['audit', 'show', name],
        ['release', 'show', `${name}/1`, '--json'],
        ['project', 'show', name, '--json'],
      ])
        said[words.join(' ')] = await line.shows(...words);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come
      const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
      expect(Object.entries(said).filter(([, text]) => obeyed.test(text))).toEqual([]);
      expect(said[`release logs ${name}/1 build`]).toContain('onerror=alert(1)');
      expect(said[`release show ${name}/1`]).toContain('onerror=alert(1)');
      const token = on.administratorToken;
      const { release } = await on.administrator.getReleaseByNumber({ params: { project: name, number: 1 } });
      for (const path of ['/api/v1/releases', `/api/v1/releases/${release.id}`, `/api/v1/releases/${release.id}/logs?stream=build/1`]) {
        const { headers, text } = await call(on, path, { token });
        expect([path, headers.get('content-type')?.split(';', 1)[0], headers.get('x-content-type-options')]).toEqual([
          path,
          'application/json',
          'nosniff',
        ]);
        // Beyond these JSON says what it says; a terminal of ours is shown none of it.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come
        expect(/[\u0000-\u0008\u000b-\u001f]/.test(text), path).toBe(false);
      }
      for (const path of ['/', '/api/docs', `/releases/${name}/1`]) {
        const { headers, text } = await call(on, path);
        expect(headers.get('content-security-policy'), path).toMatch(
          /^default-src 'none'; style-src 'nonce-[^']+'; frame-ancestors 'none'/,
        );
        expect(text).not.toContain('onerror');
      }
      return `${Object.keys(said).length} commands, 3 answers, 3 pages: text`;
    },
  );
});
