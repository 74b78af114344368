import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deflateSync } from 'node:zlib';

/** A pkt-line, as Git's protocols write each line (gitprotocol-common). */
export function pkt(line: string | Buffer): Buffer {
  const body = Buffer.from(line);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
}

export const flush = Buffer.from('0000');

/** A server of somebody who means harm, on an address of this machine. */
export interface HostileServer {
  readonly url: string;
  /** What was asked of it, `GET /x.git/info/refs?…`. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1',
): Promise<HostileServer> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.on('error', () => undefined);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers protocol version 2: the capabilities, and then whatever `command` writes for `ls-refs` and `fetch`. */
export function speaksGit(
  command: (name: string, response: ServerResponse) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/x-git-upload-pack-advertisement');
      const can = ['version 2', 'agent=git/2', 'ls-refs=unborn', 'fetch=shallow', 'object-format=sha1'];
      response.end(Buffer.concat([pkt('# service=git-upload-pack\n'), flush, ...can.map((line) => pkt(`${line}\n`)), flush]));
      return;
    }
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      response.setHeader('content-type', 'application/x-git-upload-pack-result');
      command(/command=([a-z-]+)/.exec(body)?.[1] ?? '', response);
    });
  };
}

/** Writes without end, as fast as it is read. */
export function endless(response: ServerResponse, next: () => Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(next()));
  };
  response.on('drain', more);
  more();
}

/** A pack of a few kB with a file of so many bytes in it: one of 1 MiB, and how to copy that again and again (gitformat-pack). */
export function packOf(bytes: number): Buffer {
  const mebibyte = 1024 * 1024;
  const copies = Math.ceil(bytes / mebibyte);
  const sizeOf = (size: number, first: number, bits: number): Buffer => {
    const parts: number[] = [];
    let left = Math.floor(size / 2 ** bits);
    parts.push(first | (size % 2 ** bits) | (left > 0 ? 0x80 : 0));
    for (; left > 0; left = Math.floor(left / 128)) parts.push((left % 128) | (left > 127 ? 0x80 : 0));
    return Buffer.from(parts);
  };
  const base = Buffer.concat([sizeOf(mebibyte, 3 << 4, 4), deflateSync(Buffer.alloc(mebibyte))]);
  const copy = Buffer.from([0x80 | 0x40, 0x10]);
  const delta = Buffer.concat([sizeOf(mebibyte, 0, 7), sizeOf(copies * mebibyte, 0, 7), ...Array.from({ length: copies }, () => copy)]);
  const back: number[] = [base.length & 0x7f];
  for (let left = base.length >> 7; left > 0; left >>= 7) back.unshift(0x80 | (--left & 0x7f));
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\x02', 'latin1');
  const pack = Buffer.concat([head, base, sizeOf(delta.length, 6 << 4, 4), Buffer.from(back), deflateSync(delta)]);
  return Buffer.concat([pack, createHash('sha1').update(pack).digest()]);
}

/** Makes an object of any bytes, as no Git would. Gives its id. */
export async function object(gitDir: string, type: 'commit' | 'tree' | 'blob' | 'tag', bytes: string | Buffer): Promise<string> {
  const args = ['--git-dir', gitDir, 'hash-object', '-w', '--stdin', '--literally', '-t', type];
  return feed('git', args, bytes);
}

/** Runs a program with this as its input, and gives what it printed. @throws Error with what it complained of. */
export function feed(file: string, args: readonly string[], input: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(`${file} ${args[2]}: ${err}`))));
    child.stdin.end(input);
  });
}
