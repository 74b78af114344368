import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { ContextRefused, LimitExceeded, prepareContext } from '@slipway/docker-engine';
import { type Header, pack } from 'tar-stream';
import { describe, expect } from 'vitest';
import { attack } from './case.ts';

/** An archive with these entries as the source of a build. */
function archive(...entries: (Partial<Header> & { name: string; body?: string })[]): Readable {
  const output = pack();
  for (const { body = '', ...header } of entries) output.entry(header as Header, body);
  output.entry({ name: 'Dockerfile' }, 'FROM scratch\n');
  output.finalize();
  return Readable.from(output, { objectMode: false });
}

/** Whether a context is taken, all of it read, or refused. */
async function taken(entries: Readable, more: object = {}): Promise<string> {
  try {
    const context = await prepareContext(entries, { maxBytes: 1_000_000, maxEntries: 1_000, spoolFolder: tmpdir(), ...more });
    try {
      for await (const _ of context.open());
      return 'taken';
    } finally {
      await context.dispose();
    }
  } catch (error) {
    if (error instanceof ContextRefused) return 'refused';
    if (error instanceof LimitExceeded) return 'limit';
    return error instanceof Error ? 'damaged' : 'nothing';
  }
}

describe('Build context', () => {
  attack(
    'B01',
    {
      input: 'a Dockerfile, or a context, of ../../etc/passwd, /etc/passwd, a\\..\\b, NUL, a link out, a link in circles, a folder',
      expected: 'refused, naming the field',
      provenBy: [{ file: 'libs/docker-engine/src/context.spec.ts', test: 'refuse' }],
    },
    async () => {
      const bad = ['../../etc/passwd', '/etc/passwd', 'a\\..\\b', 'x\0y', ''];
      for (const path of bad)
        expect([await taken(archive(), { dockerfile: path }), await taken(archive(), { folder: path })]).toEqual(['refused', 'refused']);
      const link = (linkname: string) => archive({ name: 'D', type: 'symlink', linkname });
      for (const to of ['/etc/passwd', '../x', 'D', 'nowhere']) expect(await taken(link(to), { dockerfile: 'D' })).toBe('refused');
      expect(await taken(archive({ name: 'D', type: 'directory' }), { dockerfile: 'D' })).toBe('refused');
      return `${bad.length * 2 + 5} refused`;
    },
  );

  attack(
    'B02',
    {
      input:
        'archives with ../, absolute names, a file through a link, hard links out, devices, fifos, a size that lies, 1,001 files, one of 1 TB that is not there',
      expected: 'refused or cut by the limits; nothing outside is written',
      provenBy: [{ file: 'libs/docker-engine/src/context.spec.ts', test: 'refuse' }],
    },
    async () => {
      const outcomes = await Promise.all([
        taken(archive({ name: '../out' })),
        taken(archive({ name: '/out' })),
        taken(archive({ name: 'a/../../out' })),
        taken(archive({ name: 'a', type: 'symlink', linkname: '/tmp' }, { name: 'a/out' })),
        taken(archive({ name: 'a', type: 'symlink', linkname: '/tmp' }, { name: 'a' })),
        taken(archive({ name: 'h', type: 'link', linkname: '/etc/passwd' })),
        taken(archive({ name: 'h', type: 'link', linkname: '../x' })),
        ...(['character-device', 'block-device', 'fifo'] as const).map((type) =>
          taken(archive({ name: 'd', type, devmajor: 1, devminor: 3 })),
        ),
      ]);
      expect(outcomes).toEqual(outcomes.map(() => 'refused'));
      expect(await taken(archive(...Array.from({ length: 1_001 }, (_, at) => ({ name: `f${at}` }))))).toBe('limit');
      expect(await taken(archive({ name: 'big', body: 'x'.repeat(1_000_001) }))).toBe('limit');
      const head = Buffer.alloc(512);
      head.write('sparse');
      head.write('0000644\0', 100);
      head.write(`${(2 ** 33 - 1).toString(8)}\0`, 124);
      head.write('0ustar\0', 156);
      head.write('        ', 148);
      head.write(
        `${head
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
      );
      expect(await taken(Readable.from([head], { objectMode: false }))).not.toBe('taken');
      return `${outcomes.length} refused, 3 cut`;
    },
  );
});
