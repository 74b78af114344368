import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareContext } from './context.js';

// The docker CLI itself is the judge: it sends its context to this server instead of an engine, and ours is held to it.
const run = promisify(execFile);
let folder: string;
let server: Server;
let received: Buffer = Buffer.alloc(0);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'context-cli-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url?.includes('/build?')) received = Buffer.concat(chunks);
      response.setHeader('api-version', '1.41').setHeader('builder-version', '1').setHeader('ostype', 'linux');
      response.end(request.url?.includes('/build?') ? '{"stream":"done"}\n' : 'OK');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Entry {
  kind: string;
  content: string;
  executable: boolean;
}

/** What a tar holds, as far as a build can see it; times and owners differ between checkouts, folders come by themselves. */
async function look(tar: Readable): Promise<Record<string, Entry>> {
  const found: Record<string, Entry> = {};
  const unpack = extract();
  tar.once('error', (error) => unpack.destroy(error));
  for await (const entry of tar.pipe(unpack)) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, linkname, mode } = entry.header;
    const content = type === 'symlink' ? `-> ${linkname}` : Buffer.concat(chunks).toString();
    if (type !== 'directory') found[name] = { kind: type, content, executable: type === 'file' && (mode & 0o100) !== 0 };
  }
  return Object.fromEntries(Object.entries(found).sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function checkout(ignore: string): Promise<string> {
  const root = await mkdtemp(join(folder, 'source-'));
  const files = [
    'Dockerfile',
    'README.md',
    'docs/a.md',
    'docs/b.txt',
    'src/main.js',
    'src/main.test.js',
    'src/deep/er/x.test.js',
    'node_modules/a/index.js',
    'web/node_modules/b/index.js',
    '.git/HEAD',
    '.env',
    'a+b.txt',
    'temp1',
    'tempa/x',
    'Ünïcode.txt',
    'toString',
  ];
  for (const name of files) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name === 'Dockerfile' ? 'FROM scratch\n' : name);
  }
  await chmod(join(root, 'src/main.js'), 0o755);
  await symlink('../README.md', join(root, 'docs/link'));
  await symlink('/etc/passwd', join(root, 'outside'));
  await writeFile(join(root, '.dockerignore'), ignore);
  return root;
}

/** A tar as a source archive makes it: every file, nothing left out. */
async function archiveOf(root: string): Promise<Readable> {
  const output = pack();
  for (const item of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    const name = relative(root, path);
    if (item.isDirectory()) output.entry({ name: `${name}/`, type: 'directory' }, '');
    else if (item.isSymbolicLink()) output.entry({ name, type: 'symlink', linkname: await readlink(path) }, '');
    else output.entry({ name, mode: name === 'src/main.js' ? 0o775 : 0o664 }, await readFile(path));
  }
  output.finalize();
  return Readable.from(output);
}

describe('the context', () => {
  it.each([
    [''],
    ['node_modules\n.git\n'],
    ['**/node_modules\n.git\n*.md\n'],
    ['*\n!src\n'],
    ['*\n!src/main.js\n!docs/*.md\n'],
    ['**/*.test.js\nsrc/deep\n!src/deep/er/x.test.js\n'],
    ['# comment\n\n  docs/  \n/web\n./.env\n'],
    ['Dockerfile\n.dockerignore\n'],
    ['temp?\na+b.txt\n[A-Z]*\n'],
    ['docs/**\n!docs/b.txt\noutside\n'],
    ['*.md\n!README*.md\nREADME.md\n'],
    ['**\n'],
  ])('is what the docker CLI sends, with .dockerignore %j', async (ignore) => {
    const root = await checkout(ignore);
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_BUILDKIT: '0' };
    await run('docker', ['--host', host, 'build', '--quiet', '.'], { cwd: root, env, timeout: 20_000 });
    const context = await prepareContext(await archiveOf(root), { maxBytes: 1_000_000, spoolFolder: folder });
    const ours = await look(context.open());
    await context.dispose();
    expect(ours).toEqual(await look(Readable.from([received])));
  });
});
