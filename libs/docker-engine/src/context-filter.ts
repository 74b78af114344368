import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import { type Extract, extract, type Header, type Pack, pack } from 'tar-stream';
import { below, entryPath } from './context-paths.js';
import { ContextRefused, LimitExceeded } from './errors.js';
import type { IgnoreRules } from './ignore-rules.js';

/** One entry of a tar as tar-stream hands it out. */
export type Entry = Extract extends AsyncIterable<infer E> ? E : never;

type Outgoing = Pick<Header, 'name' | 'type' | 'mode'> & Partial<Header>;

export interface FilterOptions {
  /** Folder of the archive that becomes the root; `''` for the archive's own. */
  readonly folder?: string;
  readonly rules: IgnoreRules;
  /** Paths that stay whatever the rules say (the Dockerfile, `.dockerignore`). */
  readonly keep?: ReadonlySet<string>;
  /** Most bytes of file content let through. */
  readonly maxBytes: number;
}

/**
 * Leaves out of a tar stream what `.dockerignore` leaves out, as the docker CLI does before it sends (the engine does not apply it to
 * a tar). Owners become root and modes what a checkout gives, so that the same revision gives the same layers wherever it was packed.
 * The stream fails with `LimitExceeded` or `ContextRefused`.
 */
export function filterContext(tar: Readable, options: FilterOptions): Readable {
  return NodeReadable.from(filtered(tar, options), { objectMode: false });
}

async function* filtered(tar: Readable, options: FilterOptions): AsyncGenerator<Buffer> {
  const output = pack();
  const unpack = extract();
  tar.once('error', (error) => unpack.destroy(error));
  tar.pipe(unpack);
  const copying = copy(unpack, output, options).catch((error: unknown) => output.destroy(error as Error));
  try {
    for await (const chunk of output) yield chunk as Buffer;
    await copying;
  } finally {
    tar.destroy();
    unpack.destroy();
    output.destroy();
  }
}

async function copy(entries: AsyncIterable<Entry>, output: Pack, options: FilterOptions): Promise<void> {
  let sent = 0;
  for await (const entry of entries) {
    const path = below(options.folder ?? '', entryPath(entry.header.name));
    if (path === undefined || path === '' || (!options.keep?.has(path) && options.rules.ignores(path))) {
      entry.resume();
      continue;
    }
    const header = sane(entry.header, path, options.folder ?? '');
    sent += header.size ?? 0;
    if (sent > options.maxBytes) {
      throw new LimitExceeded(
        'context size',
        `the build context is larger than ${options.maxBytes} bytes; leave out what the build does not need by .dockerignore`,
      );
    }
    await passOn(entry, header, output);
  }
  output.finalize();
}

/** The entry as it goes to the builder: only plain kinds, owned by root, a checkout's modes. */
function sane(header: Header, path: string, folder: string): Outgoing {
  const common = { name: path, uid: 0, gid: 0, uname: '', gname: '', mtime: header.mtime };
  switch (header.type) {
    case 'directory':
      return { ...common, name: `${path}/`, type: 'directory', mode: 0o755, size: 0 };
    case 'symlink':
      return { ...common, type: 'symlink', linkname: header.linkname, mode: 0o777, size: 0 };
    case 'link': {
      const target = below(folder, entryPath(header.linkname ?? ''));
      if (target === undefined || target === '')
        throw new ContextRefused(`${JSON.stringify(path)} is a hard link out of the build context`);
      return { ...common, type: 'link', linkname: target, mode: 0o644, size: 0 };
    }
    case 'file':
    case 'contiguous-file':
      return { ...common, type: 'file', mode: (header.mode ?? 0) & 0o111 ? 0o755 : 0o644, size: header.size };
    default:
      throw new ContextRefused(`${JSON.stringify(path)} is a ${header.type}; a build context holds files, folders and links only`);
  }
}

async function passOn(entry: Entry, header: Outgoing, output: Pack): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sink = output.entry(header, (error) => (error ? reject(error) : resolve()));
    if (header.type !== 'file') {
      entry.resume();
      return;
    }
    entry.once('error', reject);
    entry.pipe(sink);
  });
}
