import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkGitRef, SourceError } from '@slipway/source-control';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { git } from '../../libs/source-control/src/git/git-ground.contract.js';
import { readTree, reasonOf } from '../../libs/source-control/src/source-control.contract.js';
import { attack } from './case.ts';
import { GitPlace, id, main, source } from './git-place.ts';
import { flush, object, pkt, speaksGit } from './hostile-git.ts';

const specs = 'libs/source-control/src/git';
let place: GitPlace;
beforeAll(async () => {
  place = await GitPlace.make();
});
afterAll(() => place?.drop());

describe('Git: names and settings', () => {
  attack(
    'G02',
    {
      input: 'refs such as `main; touch x`, $(id), --output=x, @{-1}, a..b and refs/heads/../../x, asked for and listed by a server',
      expected:
        'refused by the check of ref names, and passed over where a server lists them; what Git allows is one argument, and no shell sees it',
      provenBy: [{ file: 'libs/source-control/src/ref-name.spec.ts', test: 'refuses %j as a Git branch' }],
    },
    async () => {
      const canary = join(place.folder, 'g02');
      const names = [
        `main; touch ${canary}`,
        `$(touch ${canary})`,
        `--output=${canary}`,
        '@{-1}',
        'a..b',
        '../../x',
        'a\u0007b',
        'a\u001b[2J',
      ];
      for (const name of names) {
        expect(() => checkGitRef(`refs/heads/${name}`)).toThrow(SourceError);
        await expect(
          reasonOf(place.control().commits(source('file:///x'), { to: { ref: `refs/heads/${name}`, revision: id } })),
        ).resolves.toBe('refused-ref');
      }
      const list = (_: string, response: Parameters<Parameters<typeof speaksGit>[0]>[1]) =>
        response.end(
          Buffer.concat([
            ...['main', '`id`', '$(id)', ...names.filter((name) => !name.includes(' '))].map((name) => pkt(`${id} refs/heads/${name}\n`)),
            flush,
          ]),
        );
      const server = await place.serve(speaksGit(list));
      const { heads } = await place.control().heads(source(`${server.url}/x.git`));
      expect(heads.map(({ ref }) => ref)).toEqual(['refs/heads/$(id)', 'refs/heads/`id`', 'refs/heads/main']);
      expect(existsSync(canary)).toBe(false);
      return `${names.length} names refused, ${names.length} listed ones passed over`;
    },
  );

  attack(
    'G03',
    {
      input:
        'submodules as of CVE-2025-48384 and CVE-2024-32002: a path that ends in CR, a name that is ../../.git/hooks with a hook in the tree',
      expected: 'off by default; refused when they are on; the hook does not run',
      provenBy: [{ file: `${specs}/git-trees.int.spec.ts`, test: 'refuses a submodule with %s' }],
    },
    async () => {
      const canary = join(place.folder, 'g03');
      const shapes = [
        '[submodule "../../.git/hooks"]\n path = "hooks\\r"\n url = ../x.git\n',
        '[submodule "x"]\n path = A/modules/x\n url = ../x.git\n',
      ];
      for (const modules of shapes) {
        const repository = await place.repository();
        const first = await repository.commit(
          { '.gitmodules': modules, 'y/hooks/post-checkout': { run: `#!/bin/sh\ntouch ${canary}\n` }, a: { link: '.git' } },
          'first',
        );
        await git(repository.work, 'update-index', '--add', '--cacheinfo', `160000,${first},lib/inner`);
        await git(repository.work, 'commit', '-q', '-m', 'gitlink');
        await git(repository.work, 'push', '-q', 'origin', 'main');
        const at = main(await git(repository.work, 'rev-parse', 'HEAD'));
        const files = await readTree(await place.control().archive(repository.source, at));
        expect([...files.keys()]).toEqual(expect.arrayContaining(['.gitmodules', 'y/hooks/post-checkout']));
        expect(await reasonOf(place.control().archive({ ...repository.source, submodules: true }, at))).toBe('refused-submodule');
      }
      expect(existsSync(canary)).toBe(false);
      return 'refused twice, no hook run';
    },
  );

  attack(
    'G06',
    {
      input:
        'filters, export-subst, textconv, fsmonitor, hooks, sshCommand, insteadOf and alternateRefsCommand in the tree and in the settings of the repository that is read',
      expected: 'none of them is read or run; the files are those of a plain clone',
      provenBy: [
        {
          file: `${specs}/git-trees.int.spec.ts`,
          test: 'keeps what attributes would leave out or change, runs no filter, and still equals a plain clone',
        },
      ],
    },
    async () => {
      const canary = join(place.folder, 'g06');
      const touch = `touch ${canary}`;
      const repository = await place.repository();
      const settings = {
        'core.fsmonitor': touch,
        'core.sshCommand': touch,
        'core.pager': touch,
        'core.alternateRefsCommand': touch,
        'uploadpack.packObjectsHook': touch,
      };
      for (const [name, value] of Object.entries(settings)) await git(repository.bare, 'config', name, value);
      await git(repository.bare, 'config', 'filter.evil.smudge', touch);
      await git(repository.bare, 'config', 'url.http://127.0.0.1:1/.insteadOf', 'file://');
      for (const hook of ['post-checkout', 'pre-receive', 'reference-transaction', 'post-index-change'])
        await writeFile(join(repository.bare, 'hooks', hook), `#!/bin/sh\n${touch}\n`, { mode: 0o755 });
      const revision = await repository.commit(
        { '.gitattributes': '* filter=evil diff=evil export-subst\n', '.gitconfig': '[core]\n fsmonitor = x\n', a: '$Format:%H$' },
        'first',
      );
      await rm(canary, { force: true });
      const one = place.control();
      expect((await one.heads(repository.source)).heads).toEqual([main(revision)]);
      const files = await readTree(await one.archive(repository.source, main(revision)));
      expect(files).toEqual(await repository.checkout(main(revision)));
      await one.changedPaths(repository.source, undefined, main(revision));
      expect(existsSync(canary)).toBe(false);
      return `${Object.keys(settings).length + 6} traps, none sprung`;
    },
  );

  attack(
    'G56',
    {
      input:
        'a file:// repository that is a partial clone whose missing objects come by a command (CVE-2024-32004, CVE-2024-32465), and one with a remote that is ext::',
      expected: 'no command runs; the source fails with a reason',
    },
    async () => {
      const canary = join(place.folder, 'g56');
      const repository = await place.repository();
      const revision = await repository.commit({ a: 'gone' }, 'first');
      const blob = await git(repository.work, 'rev-parse', 'HEAD:a');
      await git(repository.bare, 'config', 'core.repositoryformatversion', '1');
      await git(repository.bare, 'config', 'extensions.partialclone', 'evil');
      await git(repository.bare, 'config', 'remote.evil.promisor', 'true');
      await git(repository.bare, 'config', 'remote.evil.url', `ext::sh -c "touch ${canary}"`);
      await git(repository.bare, 'config', 'remote.evil.uploadpack', `touch ${canary}; false`);
      await rm(join(repository.bare, 'objects', blob.slice(0, 2), blob.slice(2)), { force: true });
      const reason = await reasonOf(place.control().fetch(repository.source));
      expect(reason).not.toBe('no error');
      expect(existsSync(canary)).toBe(false);
      expect(revision).toMatch(/^[0-9a-f]{40}$/);
      return reason;
    },
  );
});

describe('Git: what is in a repository', () => {
  attack(
    'G54',
    {
      input:
        'commits with a message of 5 MB, names with controls and line breaks, two authors, none, times beyond all calendars, an encoding that lies, NUL',
      expected: 'each is read: nobody is written in for somebody else, texts are cut, times are times',
    },
    async () => {
      const repository = await place.repository();
      await repository.commit({ a: '1' }, 'first');
      const tree = await git(repository.work, 'rev-parse', 'HEAD^{tree}');
      const who = 'Ann <ann@example.com> 1700000000 +0000';
      const odd: [string, string | Buffer][] = [
        ['a message of 5 MB', `author ${who}\ncommitter ${who}\n\n${'long '.repeat(1_000_000)}`],
        ['two authors', `author ${who}\nauthor Mallory <mallory@example.com> 1 +0000\ncommitter ${who}\n\ntwo\n`],
        ['no author', `committer ${who}\n\nnone\n`],
        ['controls in a name', `author A\u001b[2Jnn\u202e <ann@example.com\u0007> 1 +0000\ncommitter ${who}\n\nodd\n`],
        ['no end of an address', `author Ann <ann@example.com 1 +0000\ncommitter ${who}\n\nodd\n`],
        [
          'a time of its own',
          `author Ann <ann@example.com> 99999999999999999999 +9999\ncommitter Ann <ann@example.com> -1 -9959\n\ntime\n`,
        ],
        [
          'an encoding that lies',
          Buffer.concat([Buffer.from(`author ${who}\ncommitter ${who}\nencoding UTF-16\n\n`), Buffer.from([0xff, 0xfe, 0x80, 0x0a])]),
        ],
        ['NUL', `author ${who}\ncommitter ${who}\n\nbefore\0Co-authored-by: Mallory <mallory@example.com>\0\0\0\n`],
        ['a header that forges a field', `author ${who}\ncommitter ${who}\nx-author \u0000\u0001 y\n\nheaders\n`],
      ];
      const read: string[] = [];
      for (const [what, rest] of odd) {
        const bytes = Buffer.concat([Buffer.from(`tree ${tree}\n`), Buffer.from(rest)]);
        const commit = await object(repository.bare, 'commit', bytes);
        await git(repository.bare, 'update-ref', 'refs/heads/odd', commit);
        const one = place.control();
        const outcome = await one
          .fetch(repository.source)
          .then(() => one.commits(repository.source, { to: { ref: 'refs/heads/odd', revision: commit } }))
          .catch((error: SourceError) => error.reason);
        if (typeof outcome === 'string') {
          read.push(`${what}: ${outcome}`);
          continue;
        }
        const [found] = outcome.commits;
        expect(outcome.commits, what).toHaveLength(1);
        expect(found?.revision, what).toBe(commit);
        expect(found?.message.length, what).toBeLessThanOrEqual(4_000);
        expect(found?.author.name.length, what).toBeLessThanOrEqual(300);
        expect(Number.isNaN(Date.parse(found?.time ?? '')), what).toBe(false);
        expect(found?.coAuthors.length, what).toBeLessThanOrEqual(1);
        read.push(`${what}: read`);
      }
      return read.join('; ');
    },
  );

  attack(
    'G55',
    {
      input: 'tags that mark a tree, a file, another tag, themselves; a branch whose tip is a file; a ref to an object that is not there',
      expected: 'each has no commit, which is said of that ref alone; the others are read',
    },
    async () => {
      const repository = await place.repository();
      const revision = await repository.commit({ a: '1' }, 'first');
      const [tree, blob] = [await git(repository.work, 'rev-parse', 'HEAD^{tree}'), await git(repository.work, 'rev-parse', 'HEAD:a')];
      const tag = await object(repository.bare, 'tag', `object ${blob}\ntype blob\ntag inner\ntagger a <a> 0 +0000\n\nx\n`);
      const outer = await object(repository.bare, 'tag', `object ${tag}\ntype tag\ntag outer\ntagger a <a> 0 +0000\n\nx\n`);
      for (const [name, to] of Object.entries({ tree, blob, outer })) await git(repository.bare, 'update-ref', `refs/tags/${name}`, to);
      const one = place.control();
      const { heads } = await one.heads(repository.source);
      expect(heads.map(({ ref }) => ref)).toEqual(['refs/heads/main', 'refs/tags/blob', 'refs/tags/outer', 'refs/tags/tree']);
      await one.fetch(repository.source);
      for (const head of heads.slice(1)) expect(await reasonOf(one.commits(repository.source, { to: head }))).toBe('unknown-revision');
      expect((await one.commits(repository.source, { to: main(revision) })).commits).toHaveLength(1);
      return 'three tags without a commit, main is read';
    },
  );

  attack(
    'G58',
    {
      input:
        'paths with line breaks, leading dashes, names that differ in case only, names in bytes that are no UTF-8, trees with `..`, `.git` and `a/b` as one name',
      expected: 'those a checkout can have come as they are; the others never lead out of the context of a build',
    },
    async () => {
      const repository = await place.repository();
      const odd = {
        'line\nbreak': '1',
        '-rf': '2',
        '--output=x': '3',
        README: '4',
        readme: '5',
        'a b/\u202e': '6',
        '$(id)': '7',
        ':(top)x': '8',
      };
      const revision = await repository.commit(odd, 'odd');
      const one = place.control();
      const files = await readTree(await one.archive(repository.source, main(revision)));
      expect(files).toEqual(await repository.checkout(main(revision)));
      expect(await one.changedPaths(repository.source, undefined, main(revision))).toEqual(Object.keys(odd).sort());
      for (const [path, text] of Object.entries(odd)) expect(String(await one.file(repository.source, main(revision), path))).toBe(text);

      const { prepareContext } = await import('@slipway/docker-engine');
      const blob = Buffer.from(await git(repository.work, 'rev-parse', 'HEAD:README'), 'hex');
      const outcomes: string[] = [];
      for (const name of ['..', '.', '.git', '../../escape', '/etc/passwd', 'a/../../b']) {
        const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), blob]);
        const tree = await object(repository.bare, 'tree', entry);
        const commit = await object(repository.bare, 'commit', `tree ${tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n`);
        await git(repository.bare, 'update-ref', 'refs/heads/odd', commit);
        const refused = await place
          .control()
          .archive(repository.source, { ref: 'refs/heads/odd', revision: commit })
          .then((archive) => prepareContext(archive, { maxBytes: 1_000_000, spoolFolder: place.folder }))
          .then((context) => context.dispose().then(() => 'taken'))
          .catch((error: Error) => error.constructor.name);
        outcomes.push(`${name}: ${refused}`);
        expect(refused).not.toBe('taken');
      }
      expect((await readdir(place.folder)).filter((each) => each.startsWith('context-') || each === 'escape')).toEqual([]);
      return outcomes.join(', ');
    },
  );
});
