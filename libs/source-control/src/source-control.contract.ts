import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Point, Source, SourceControl } from './source-control.js';
import { SourceError, type SourceErrorReason } from './source-error.js';

/** What a change does to files: content, `null` to remove, `{link}` for a symbolic link, `{run}` for an executable file. */
export type Change = Record<string, string | Buffer | null | { link: string } | { run: string }>;

/** A real repository on a real server, driven as developers drive it. */
export interface TestRepository {
  readonly source: Source;
  /** Refs the kit works with: the main line, a second branch made from it, and a tag. */
  readonly main: string;
  readonly side: string;
  readonly tag: string;
  commit(change: Change, message: string, options?: { ref?: string; author?: string }): Promise<string>;
  /** Makes the second branch or the tag from the newest commit of the main line. */
  branch(): Promise<void>;
  makeTag(): Promise<void>;
  /** Removes a branch on the server. */
  remove(ref: string): Promise<void>;
  /** What an ordinary user gets: a plain clone or checkout of the revision, read as {@link readTree} reads archives. */
  checkout(point: Point): Promise<Map<string, string>>;
  close(): Promise<void>;
}

/** Runs `work` and gives back the reason of the SourceError it throws. */
export async function reasonOf(work: Promise<unknown>): Promise<SourceErrorReason | 'no error'> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    if (error instanceof SourceError) return error.reason;
    throw error;
  }
}

/** A tar as a map from path to `mode type content`. */
export async function readTree(tar: Readable): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const reader = tar.pipe(extract());
  tar.on('error', (error) => reader.destroy(error));
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, linkname, mode = 0 } = entry.header;
    if (type === 'file') files.set(name, `${mode & 0o100 ? 'run' : 'file'} ${Buffer.concat(chunks).toString('base64')}`);
    if (type === 'symlink') files.set(name, `link ${linkname}`);
  }
  return files;
}

/** What every adapter of SourceControl must do, against a real server. `make` gives an empty repository. */
export function sourceControlContract(
  name: string,
  make: () => Promise<{ control: (dataDir: string) => SourceControl; repository: TestRepository }>,
): void {
  describe(`source control: ${name}`, () => {
    let repository: TestRepository;
    let control: SourceControl;
    let anew: (dataDir: string) => SourceControl;
    let folder: string;
    const points: Point[] = [];
    const head = async (ref: string) => (await control.heads(repository.source)).heads.find((each) => each.ref === ref);

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'slipway-source-'));
      const made = await make();
      repository = made.repository;
      anew = made.control;
      control = anew(join(folder, 'data'));
    });
    afterAll(async () => {
      await repository?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('says that a repository without commits is empty', async () => {
      await expect(reasonOf(control.heads(repository.source))).resolves.toBe('empty');
    });

    it('sees the head of a branch move', async () => {
      for (const [n, message] of [
        'first',
        'second\n\nwith a body\n\nCo-authored-by: Lin Wei <lin@example.com>',
        'third ☃ <b>&amp;',
      ].entries()) {
        const revision = await repository.commit({ 'a.txt': `a${n}\n`, [`dir ${n}/ü & b.txt`]: 'x' }, message);
        expect(await head(repository.main)).toEqual({ ref: repository.main, revision });
        points.push({ ref: repository.main, revision });
      }
    });

    it('tells the commits of a range, newest first, with who made them', async () => {
      const { commits, truncated } = await control.commits(repository.source, { from: points[0], to: points[2] as Point });
      expect(truncated).toBe(false);
      expect(commits.map(({ revision }) => revision)).toEqual([points[2]?.revision, points[1]?.revision]);
      expect(commits.map(({ message }) => message.split('\n')[0])).toEqual(['third ☃ <b>&amp;', 'second']);
      expect(commits[1]?.coAuthors).toEqual([{ name: 'Lin Wei', email: 'lin@example.com' }]);
      expect(commits[0]?.author.name).toContain('dev');
      expect(Math.abs(Date.parse(commits[0]?.time ?? '') - Date.now())).toBeLessThan(600_000);
    });

    it('says when a range is longer than it may tell', async () => {
      const { commits, truncated } = await control.commits(repository.source, { to: points[2] as Point, limit: 2 });
      expect([commits.length, truncated]).toEqual([2, true]);
    });

    it('finds changed paths by comparing trees', async () => {
      expect(await control.changedPaths(repository.source, points[0], points[2] as Point)).toEqual([
        'a.txt',
        'dir 1/ü & b.txt',
        'dir 2/ü & b.txt',
      ]);
      expect(await control.changedPaths(repository.source, points[2], points[0] as Point)).toEqual([
        'a.txt',
        'dir 1/ü & b.txt',
        'dir 2/ü & b.txt',
      ]);
      expect(await control.changedPaths(repository.source, undefined, points[0] as Point)).toEqual(['a.txt', 'dir 0/ü & b.txt']);
    });

    it('knows what contains what', async () => {
      const [first, second] = points as [Point, Point];
      expect(await control.isAncestor(repository.source, first, second)).toBe(true);
      expect(await control.isAncestor(repository.source, second, second)).toBe(true);
      expect(await control.isAncestor(repository.source, second, first)).toBe(false);
      expect(await control.containing(repository.source, second, points)).toEqual([points[2]]);
      expect(await control.firstContained(repository.source, second, points.toReversed())).toBe(second);
      expect(await control.firstContained(repository.source, second, points.slice(2))).toBeUndefined();
    });

    it('reads one file of a revision, or says that there is none', async () => {
      expect((await control.file(repository.source, points[1] as Point, 'a.txt'))?.toString()).toBe('a1\n');
      expect(await control.file(repository.source, points[1] as Point, 'dir 2/ü & b.txt')).toBeUndefined();
      expect(await control.file(repository.source, points[1] as Point, 'dir 1')).toBeUndefined();
      await expect(reasonOf(control.file(repository.source, points[1] as Point, 'a.txt', { maxBytes: 1 }))).resolves.toBe('too-large');
    });

    it('streams an archive equal to what a plain user gets, of old revisions too', async () => {
      const long = 'l'.repeat(90);
      const revision = await repository.commit(
        {
          'bin/run me': { run: '#!/bin/sh\n' },
          to: { link: 'a.txt' },
          [`${long}/${long}/f`]: 'deep',
          'raw.bin': Buffer.alloc(70_000, 7),
          'a.txt': null,
        },
        'kinds of files',
      );
      points.push({ ref: repository.main, revision });
      for (const point of [points[3], points[1]] as Point[]) {
        const files = await readTree(await control.archive(repository.source, point));
        expect(files).toEqual(await repository.checkout(point));
        expect(files.size).toBeGreaterThan(2);
      }
    });

    it('makes the same archive of the same revision twice', async () => {
      const bytes = async () => Buffer.concat(await (await control.archive(repository.source, points[3] as Point)).toArray());
      expect((await bytes()).equals(await bytes())).toBe(true);
    });

    it('sees branches and tags come and go', async () => {
      await repository.branch();
      await repository.makeTag();
      const revision = await repository.commit({ 'side.txt': 's' }, 'on the side', { ref: repository.side });
      const seen = (await control.heads(repository.source)).heads;
      expect(seen.map(({ ref }) => ref)).toEqual([repository.main, repository.side, repository.tag].sort());
      const side = seen.find(({ ref }) => ref === repository.side) as Point;
      const tag = seen.find(({ ref }) => ref === repository.tag) as Point;
      expect(side.revision).toBe(revision);
      expect(await control.taggedRevision(repository.source, tag)).toBe(points[3]?.revision);
      expect(await control.isAncestor(repository.source, points[3] as Point, side)).toBe(true);
      const main = await repository.commit({ 'main.txt': 'm' }, 'meanwhile on main');
      points.push({ ref: repository.main, revision: main });
      expect(await control.isAncestor(repository.source, side, { ref: repository.main, revision: main })).toBe(false);
      expect(await readTree(await control.archive(repository.source, tag))).toEqual(await repository.checkout(tag));
      await repository.remove(repository.side);
      expect(await head(repository.side)).toBeUndefined();
      await control.fetch(repository.source);
    });

    it('starts from nothing in another data directory, and shares one between processes', async () => {
      const others = [1, 2, 3].map(() => anew(join(folder, 'fresh')));
      const trees = await Promise.all(others.map(async (other) => readTree(await other.archive(repository.source, points[3] as Point))));
      for (const tree of trees) expect(tree).toEqual(trees[0]);
    });

    it('says that an unknown revision is unknown or gone', async () => {
      const absent = repository.source.url.includes('svn') ? '999' : '0'.repeat(39).concat('1');
      expect(['unknown-revision', 'gone']).toContain(
        await reasonOf(control.commits(repository.source, { to: { ref: repository.main, revision: absent } })),
      );
      await expect(reasonOf(control.archive(repository.source, { ref: repository.main, revision: '--output=/tmp/x' }))).resolves.toBe(
        'unknown-revision',
      );
    });

    it('says that a repository is gone', async () => {
      await expect(reasonOf(control.heads({ ...repository.source, url: `${repository.source.url}-gone` }))).resolves.toBe('gone');
    });

    it('stops when told to', async () => {
      await expect(reasonOf(control.heads(repository.source, { signal: AbortSignal.abort() }))).resolves.toBe('cancelled');
    });

    it('leaves nothing behind when an archive is not read to its end', async () => {
      const stream = await control.archive(repository.source, points[3] as Point);
      stream.destroy();
      await new Promise((resolve) => stream.once('close', resolve));
      await expect.poll(() => readdir(join(folder, 'data', 'svn-export')).catch(() => [])).toEqual([]);
    });
  });
}
