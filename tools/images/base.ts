import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';

const run = promisify(execFile);
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/**
 * The context of a base image made of this machine's own Node and the libraries it is linked to, FROM scratch: for machines that can pull no image. It
 * has no shell, and no git or svn.
 */
export async function baseContext(node = process.execPath): Promise<Readable> {
  const { stdout } = await run('ldd', [node], { timeout: 10_000 });
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => file as string);
  const files: [string, string][] = [[node, 'usr/local/bin/node'], ...libraries.map((file): [string, string] => [file, file.slice(1)])];
  if (existsSync(certificates)) files.push([certificates, certificates.slice(1)]);
  const tar = pack();
  const dockerfile = `FROM scratch\nCOPY root/ /\nENV PATH=/usr/local/bin SSL_CERT_FILE=${certificates}\n`;
  tar.entry({ name: 'Dockerfile' }, dockerfile);
  tar.entry({ name: 'root/tmp', type: 'directory', mode: 0o1777 });
  tar.entry({ name: 'root/etc/passwd' }, 'root:x:0:0::/:/bin/false\nslipway:x:10001:10001::/:/bin/false\n');
  for (const [from, to] of files) {
    const { mode } = await stat(from);
    tar.entry({ name: `root/${to}`, mode: mode & 0o111 ? 0o755 : 0o644 }, await readFile(from));
  }
  tar.finalize();
  return tar as unknown as Readable;
}
