import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { git } from '../../libs/source-control/src/git/git-ground.contract.js';
import { readTree, reasonOf } from '../../libs/source-control/src/source-control.contract.js';
import { attack } from './case.ts';
import { GitPlace, id, main, source } from './git-place.ts';
import { endless, flush, object, packOf, pkt, speaksGit } from './hostile-git.ts';

const specs = 'libs/source-control/src/git';
let place: GitPlace;
beforeAll(async () => {
  place = await GitPlace.make();
});
afterAll(() => place?.drop());

describe('Git: servers', () => {
  attack(
    'G07',
    {
      input:
        'refs without end; 100,000 refs; a pack of 2 KB that stands for a file of 2 GB; a tree of 10^10 files; a copy larger than allowed',
      expected: 'ended by the limits of memory, refs, time and disk; what is left behind is small',
      within: 180_000,
      provenBy: [
        { file: `${specs}/git-hostile.int.spec.ts`, test: 'bounds copies, archives and the number of refs' },
        { file: 'libs/source-control/src/run-command.spec.ts', test: 'that takes more memory than it may' },
      ],
    },
    async () => {
      const some = Buffer.concat(Array.from({ length: 5_000 }, (_, at) => pkt(`${id} refs/heads/${'x'.repeat(100)}${at}\n`)));
      let n = 0;
      const server = await place.serve(
        speaksGit((_, response) =>
          endless(response, () => {
            n += 5_000;
            return some;
          }),
        ),
      );
      const small = place.control({ limits: { programBytes: 150_000_000 } });
      expect(await reasonOf(small.heads(source(`${server.url}/x.git`)))).toBe('too-large');

      const many = await place.repository();
      const revision = await many.commit({ a: '1' }, 'first');
      const refs = Array.from({ length: 100_000 }, (_, at) => `${revision} refs/heads/b${String(at).padStart(6, '0')}`);
      await writeFile(
        join(many.bare, 'packed-refs'),
        `# pack-refs with: peeled fully-peeled sorted \n${refs.join('\n')}\n${revision} refs/heads/main\n`,
      );
      expect(await reasonOf(place.control().heads(many.source))).toBe('too-large');
      expect((await place.control().heads({ ...many.source, branches: ['main'] })).heads).toHaveLength(1);

      const bomb = await place.repository();
      const tree = await nestedTree(bomb.bare);
      const commit = await object(bomb.bare, 'commit', `tree ${tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nbomb\n`);
      await git(bomb.bare, 'update-ref', 'refs/heads/main', commit);
      expect(await reasonOf(place.control().changedPaths(bomb.source, undefined, main(commit)))).toBe('too-large');
      const limited = place.control({ limits: { archiveBytes: 20_000_000, programBytes: 150_000_000 } });
      expect(await reasonOf(limited.archive(bomb.source, main(commit)).then(readTree))).toBe('too-large');

      const pack = packOf(2 * 1024 ** 3);
      const packed = await place.serve(
        speaksGit((name, response) => {
          if (name === 'ls-refs') return void response.end(Buffer.concat([pkt(`${id} refs/heads/main\n`), flush]));
          response.end(Buffer.concat([pkt('packfile\n'), pkt(Buffer.concat([Buffer.from([1]), pack])), flush]));
        }),
      );
      expect(await reasonOf(place.control().fetch(source(`${packed.url}/x.git`)))).toBe('too-large');
      return `ended after ${n} refs; a pack of ${pack.length} bytes refused`;
    },
  );

  attack(
    'G08',
    {
      input: 'a server that answers a byte at a time, or never; progress without end while it sends nothing',
      expected: 'given up by the limits of speed and time, with a reason that passes',
      provenBy: [{ file: `${specs}/git-hostile.int.spec.ts`, test: 'gives up on a server that answers too slowly or never' }],
    },
    async () => {
      const list = (response: Parameters<typeof endless>[0]) => response.end(Buffer.concat([pkt(`${id} refs/heads/main\n`), flush]));
      const progress = () => pkt(Buffer.concat([Buffer.from([2]), Buffer.from('still counting objects …\r')]));
      const server = await place.serve(
        speaksGit((name, response) => {
          if (name === 'ls-refs') return void list(response);
          response.write(pkt('packfile\n'));
          endless(response, progress);
        }),
      );
      const one = place.control({ limits: { fetchMs: 3_000 } });
      const failure = await one.fetch(source(`${server.url}/x.git`)).catch((error: unknown) => error);
      expect(failure).toMatchObject({ reason: 'timeout', passes: true });
      return String((failure as Error).message);
    },
  );

  attack(
    'G14',
    {
      input: 'the host key or the TLS certificate changes',
      expected: 'refused, and said so',
      provenBy: [
        { file: `${specs}/git-hostile.int.spec.ts`, test: 'refuses a server whose host key is not the pinned one' },
        { file: `${specs}/git-source-control.int.spec.ts`, test: 'refuses a server by %s, and says what is wrong with it' },
      ],
    },
    async () => 'proven by the ordinary tests, against sshd and https',
  );

  attack(
    'G50',
    {
      input:
        'a server that sends on to an address inside: by 301, 302, 303, 307, 308, at the first request or the second, to http, https, file, ssh and ext',
      expected: 'nobody else is asked anything; the refusal names where it was to go',
      provenBy: [
        { file: `${specs}/git-hostile.int.spec.ts`, test: 'asks no other server that it is sent on to, with or without credentials' },
      ],
    },
    async () => {
      const inside = await place.serve((_, response) => response.end('the metadata of this machine'), '127.0.0.2');
      const outcomes: string[] = [];
      for (const status of [301, 302, 303, 307, 308]) {
        for (const to of [
          inside.url,
          'file:///etc',
          'ssh://-oProxyCommand=x',
          'ext::sh',
          '//127.0.0.2:1/',
          'http://[::ffff:169.254.169.254]/',
        ]) {
          const server = await place.serve(
            (request, response) => void response.writeHead(status, { location: `${to}${request.url}` }).end(),
          );
          outcomes.push(await reasonOf(place.control().heads(source(`${server.url}/x.git`))));
        }
      }
      const late = await place.serve((request, response) => {
        if (request.method === 'GET') return speaksGit(() => undefined)(request, response);
        response.writeHead(307, { location: `${inside.url}${request.url}` }).end();
      });
      outcomes.push(await reasonOf(place.control().heads(source(`${late.url}/x.git`))));
      expect(outcomes.filter((reason) => !['refused-url', 'not-a-repository', 'unreachable'].includes(reason))).toEqual([]);
      expect(inside.asked).toEqual([]);
      return `${outcomes.length} redirects, none followed`;
    },
  );

  attack(
    'G51',
    {
      input:
        'answers that are no Git: HTML, half a pkt-line, a length of ffff with nothing behind it, a pack of random bytes, gzip of nothing, a thousand headers',
      expected: 'a reason each time; the copy is not taken for damaged for ever',
    },
    async () => {
      const answers: Buffer[] = [
        Buffer.from('<html>'),
        Buffer.from('001'),
        Buffer.from('ffff'),
        Buffer.from('0005\0'),
        Buffer.alloc(100_000, 255),
        Buffer.alloc(0),
      ];
      const reasons: string[] = [];
      for (const bytes of answers) {
        const first = await place.serve(
          (_, response) => void response.setHeader('content-type', 'application/x-git-upload-pack-advertisement').end(bytes),
        );
        const second = await place.serve(speaksGit((_, response) => void response.end(bytes)));
        const pack = await place.serve(
          speaksGit((name, response) => {
            if (name === 'ls-refs') return void response.end(Buffer.concat([pkt(`${id} refs/heads/main\n`), flush]));
            response.end(Buffer.concat([pkt('packfile\n'), pkt(Buffer.concat([Buffer.from([1]), bytes.subarray(0, 60_000)])), flush]));
          }),
        );
        for (const server of [first, second]) reasons.push(await reasonOf(place.control().heads(source(`${server.url}/x.git`))));
        reasons.push(await reasonOf(place.control().fetch(source(`${pack.url}/x.git`), { timeoutMs: 20_000 })));
      }
      expect(reasons).not.toContain('no error');
      return [...new Set(reasons)].sort().join(', ');
    },
  );
});

/** Ten folders deep, each ten times the one below: 10^10 files of one byte. */
async function nestedTree(gitDir: string): Promise<string> {
  let [inner, mode] = [await object(gitDir, 'blob', 'x'), '100644'];
  for (let depth = 0; depth < 10; depth++) {
    const entry = (at: number) => Buffer.concat([Buffer.from(`${mode} d${at}\0`), Buffer.from(inner, 'hex')]);
    inner = await object(gitDir, 'tree', Buffer.concat(Array.from({ length: 10 }, (_, at) => entry(at))));
    mode = '40000';
  }
  return inner;
}
