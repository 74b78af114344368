/** What stands in the repository in place of a large file. */
export interface LfsPointer {
  readonly path: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly oid: string;
  /** Of the file, in bytes. */
  readonly size: number;
}

/** Whether a blob of so many bytes can be a pointer: those are shorter than 1024 bytes (git-lfs, docs/spec.md). */
export function looksLikePointer(size: number): boolean {
  return size > 100 && size < 1024;
}

/** Reads a pointer as docs/spec.md of git-lfs describes it, undefined when it is none. Extensions between version and oid are passed over. */
export function pointerOf(path: string, content: string): LfsPointer | undefined {
  if (!/^version https:\/\/(git-lfs|hawser)\.github\.com\/spec\/v1\n/.test(content)) return undefined;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(content)?.[1];
  const size = /^size (\d{1,15})$/m.exec(content)?.[1];
  return oid === undefined || size === undefined ? undefined : { path, oid, size: Number(size) };
}
