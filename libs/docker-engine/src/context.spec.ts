import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { extract, type Header, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContextOptions, prepareContext } from './context.js';
import { ContextRefused, LimitExceeded } from './errors.js';

type Item = [name: string, content: string] | [header: Partial<Header> & Pick<Header, 'name'>];

function tarOf(...items: Item[]): Readable {
  const output = pack();
  for (const [first, content] of items) {
    if (typeof first === 'string') output.entry({ name: first }, content ?? '');
    else output.entry(first, '');
  }
  output.finalize();
  return Readable.from(output);
}

function entriesOf(tar: Readable): ReturnType<typeof extract> {
  const unpack = extract();
  tar.once('error', (error) => unpack.destroy(error));
  return tar.pipe(unpack);
}

async function read(tar: Readable): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of entriesOf(tar)) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found[entry.header.name] = entry.header.type === 'symlink' ? `-> ${entry.header.linkname}` : Buffer.concat(chunks).toString();
  }
  return found;
}

let spoolFolder: string;
beforeAll(async () => {
  spoolFolder = await mkdtemp(join(tmpdir(), 'context-spec-'));
});
afterAll(() => rm(spoolFolder, { recursive: true, force: true }));

const sent = async (tar: Readable, options: Partial<ContextOptions> = {}): Promise<Record<string, string>> => {
  const context = await prepareContext(tar, { maxBytes: 1000, spoolFolder, maxArchiveBytes: 1_000_000, ...options });
  try {
    return await read(context.open());
  } finally {
    await context.dispose();
  }
};

describe('the build context', () => {
  it('leaves out what .dockerignore says, wherever it stands in the archive', async () => {
    const files = await sent(
      tarOf(['.a/secret', 'x'], ['Dockerfile', 'FROM scratch'], ['src/main.js', '1'], ['.dockerignore', '.a\n*.md'], ['README.md', '2']),
    );
    expect(files).toEqual({ Dockerfile: 'FROM scratch', 'src/main.js': '1', '.dockerignore': '.a\n*.md' });
  });

  it('keeps Dockerfile and .dockerignore for the builder even when they are left out', async () => {
    expect(Object.keys(await sent(tarOf(['Dockerfile', 'FROM scratch'], ['.dockerignore', '*'], ['a', '1'])))).toEqual([
      'Dockerfile',
      '.dockerignore',
    ]);
  });

  it('takes a folder as the context and its own .dockerignore', async () => {
    const tar = tarOf(
      ['.dockerignore', '*'],
      ['shop/Dockerfile', 'FROM scratch'],
      ['shop/.dockerignore', 'b'],
      ['shop/a', '1'],
      ['shop/b', '2'],
      ['shopping/c', '3'],
    );
    expect(await sent(tar, { folder: './shop/' })).toEqual({ Dockerfile: 'FROM scratch', '.dockerignore': 'b', a: '1' });
  });

  it('can be opened again, and leaves nothing on disk', async () => {
    const context = await prepareContext(tarOf(['Dockerfile', 'FROM scratch']), {
      maxBytes: 1000,
      spoolFolder,
      maxArchiveBytes: 1_000_000,
    });
    expect(await read(context.open())).toEqual(await read(context.open()));
    await context.dispose();
    expect(await readdir(spoolFolder)).toEqual([]);
  });

  it('keeps links inside as they are and follows them to the Dockerfile', async () => {
    const tar = tarOf(
      ['docker/Main', 'FROM scratch'],
      [{ name: 'Dockerfile', type: 'symlink', linkname: 'docker/Main' }],
      [{ name: 'out', type: 'symlink', linkname: '/etc/passwd' }],
    );
    const context = await prepareContext(tar, { maxBytes: 1000, spoolFolder, maxArchiveBytes: 1_000_000 });
    expect(context.dockerfile).toBe('docker/Main');
    expect(await read(context.open())).toMatchObject({ Dockerfile: '-> docker/Main', out: '-> /etc/passwd' });
    await context.dispose();
  });

  it.each([
    ['../Dockerfile', 'must be a relative path without ".."'],
    ['/etc/passwd', 'must be a relative path without ".."'],
    ['a/../../b', 'must be a relative path without ".."'],
    ['missing', 'the Dockerfile "missing" is not in the build context'],
    ['folder', 'is not in the build context'],
    ['escape', 'points out of the build context'],
    ['absolute', 'points out of the build context'],
    ['circle', 'leads in circles'],
  ])('refuses the Dockerfile %s', async (dockerfile, reason) => {
    const tar = tarOf(
      [{ name: 'folder', type: 'directory' }],
      [{ name: 'escape', type: 'symlink', linkname: '../../etc/passwd' }],
      [{ name: 'absolute', type: 'symlink', linkname: '/etc/passwd' }],
      [{ name: 'circle', type: 'symlink', linkname: 'circle' }],
    );
    const refusal = await sent(tar, { dockerfile }).then(String, (error: unknown) => error);
    expect(refusal).toBeInstanceOf(ContextRefused);
    expect(String(refusal)).toContain(reason);
  });

  it.each([
    ['a name with ..', tarOf(['a/../../x', '1'])],
    ['an absolute name', tarOf(['/etc/cron.d/x', '1'])],
    ['a file below a link', tarOf([{ name: 'link', type: 'symlink', linkname: '/tmp' }], ['link/x', '1'])],
    ['a file in the place of a link', tarOf([{ name: 'link', type: 'symlink', linkname: '/tmp/x' }], ['link', '1'])],
    ['a device', tarOf(['Dockerfile', 'FROM scratch'], [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }])],
    [
      'a hard link to the outside',
      tarOf(['shop/Dockerfile', ''], ['secret', '1'], [{ name: 'shop/x', type: 'link', linkname: 'secret' }]),
      'shop',
    ],
  ] as [string, Readable, string?][])('refuses %s', async (_, tar, folder) => {
    await expect(sent(tar, folder ? { folder } : {})).rejects.toBeInstanceOf(ContextRefused);
  });

  it('refuses a folder that is not there', async () => {
    await expect(sent(tarOf(['Dockerfile', '']), { folder: 'web' })).rejects.toThrow('the folder "web" is not in this revision');
  });

  it('counts only what is sent against the context limit, and says which limit', async () => {
    const big = 'x'.repeat(900);
    await expect(sent(tarOf(['Dockerfile', ''], ['.dockerignore', 'a'], ['a', big], ['b', big]))).resolves.toBeDefined();
    await expect(sent(tarOf(['Dockerfile', ''], ['a', big], ['b', big]))).rejects.toThrow(/context is larger than 1000 bytes/);
    await expect(sent(tarOf(['Dockerfile', ''], ['a', big]), { maxArchiveBytes: 600 })).rejects.toBeInstanceOf(LimitExceeded);
    await expect(sent(tarOf(['Dockerfile', ''], ['a', ''], ['b', '']), { maxEntries: 2 })).rejects.toThrow('more than 2 files');
  });

  it('makes owners and modes those of a checkout', async () => {
    const context = await prepareContext(tarOf(['Dockerfile', ''], [{ name: 'run', mode: 0o4775, uid: 5, gname: 'staff' }]), {
      maxBytes: 10,
      maxArchiveBytes: 1e6,
      spoolFolder,
    });
    const headers: Header[] = [];
    for await (const entry of entriesOf(context.open())) {
      headers.push(entry.header);
      entry.resume();
    }
    await context.dispose();
    expect(headers.map(({ name, mode, uid, gid, gname }) => ({ name, mode, uid, gid, gname }))).toEqual([
      { name: 'Dockerfile', mode: 0o644, uid: 0, gid: 0, gname: '' },
      { name: 'run', mode: 0o755, uid: 0, gid: 0, gname: '' },
    ]);
  });

  it('stops when it is cancelled and leaves nothing on disk', async () => {
    const endless = new Readable({ read() {} });
    const cancel = new AbortController();
    const preparing = prepareContext(endless, { maxBytes: 10, spoolFolder, signal: cancel.signal });
    cancel.abort();
    await expect(preparing).rejects.toThrow('cancelled');
    expect(await readdir(spoolFolder)).toEqual([]);
  });
});
