import { randomBytes } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** A secret planted for one run, good for nothing else, and what it is: what tells, when it is found, whose hands it slipped through. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** Something to look at: a record, a row, a file, an answer. */
export interface Piece {
  readonly where: string;
  readonly content: string | Buffer;
}

/** Where pieces come from, one after the other, so that nobody needs to hold them all. */
export interface Place {
  /** `Kafka`, `tables`, `logs`, … */
  readonly name: string;
  /** Fewer pieces than this mean that nothing was looked at; 1 by default. */
  readonly atLeast?: number;
  pieces(): AsyncIterable<Piece> | Iterable<Piece>;
}

/** A secret where it must not be. Says never what it is. */
export interface Found {
  readonly canary: string;
  /** `as it is`, `in base64`, … */
  readonly form: string;
  readonly place: string;
  readonly where: string;
}

const mark = 'cnry/';

/** A value that stands nowhere else. Signs in it look different in a URL, in JSON and in HTML. */
export function aCanary(name: string): Canary {
  return { name, value: `${mark}${randomBytes(9).toString('hex')}+"&é` };
}

/** Whether it was made by {@link aCanary}: then no part of it stands anywhere else, either. */
export function isMade({ value }: Canary): boolean {
  return value.startsWith(mark);
}

/**
 * Looks for secrets in every form in which they are written by accident: as they are, in base64 at any offset, in hex, percent-encoded, escaped, and
 * within what is compressed or written in hex itself (a `bytea` of a row). The one search that every run uses.
 * @throws Error where a place has nothing to look at: a search of nothing finds nothing.
 */
export async function lookFor(canaries: readonly Canary[], places: readonly Place[]): Promise<Found[]> {
  const wanted = canaries.map(({ name, value }) => ({ name, forms: formsOf(value) }));
  const found: Found[] = [];
  for (const place of places) {
    let looked = 0;
    for await (const { where, content } of place.pieces()) {
      looked++;
      for (const text of layersOf(content)) {
        for (const { name, forms } of wanted) {
          const form = forms.find((each) => text.includes(each.text));
          if (form) found.push({ canary: name, form: form.how, place: place.name, where });
        }
      }
    }
    if (looked < (place.atLeast ?? 1))
      throw new Error(`${place.name}: ${looked} pieces to look at, at least ${place.atLeast ?? 1} were expected`);
  }
  return found;
}

/** As it may stand somewhere. Base64 has three shapes, by what stands before it; their edges, which the neighbours decide, are cut off. */
export function formsOf(value: string): { how: string; text: string }[] {
  const bytes = Buffer.from(value, 'utf8');
  const base64 = [0, 1, 2].flatMap((before) => {
    const shape = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const inner = shape.slice(before === 0 ? 0 : before + 1, shape.length - 2);
    return [
      { how: 'in base64', text: inner },
      { how: 'in base64url', text: inner.replaceAll('+', '-').replaceAll('/', '_') },
    ];
  });
  const html = value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const forms = [
    // Bytes that are no text are read as one sign each.
    { how: 'as it is', text: value },
    { how: 'as it is', text: bytes.toString('latin1') },
    { how: 'in JSON', text: JSON.stringify(value).slice(1, -1) },
    { how: 'in JSON within JSON', text: JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1) },
    { how: 'in HTML', text: html },
    { how: 'in URL encoding', text: encodeURIComponent(value) },
    { how: 'in URL encoding', text: encodeURIComponent(value).toLowerCase() },
    { how: 'in URL encoding', text: encodeURI(value) },
    { how: 'in hex', text: bytes.toString('hex') },
    { how: 'in hex', text: bytes.toString('hex').toUpperCase() },
    // What somebody printed of it to be sure that it is there.
    { how: 'in part', text: value.slice(0, 16) },
    ...base64,
  ];
  return forms.filter(({ text }, at) => forms.findIndex((each) => each.text === text) === at);
}

/** How deep is dug: a compressed log within a row in hex. */
const deepest = 3;
const mostUnpacked = 256 * 1024 * 1024;
/** Postgres writes a `bytea` so; shorter ones hold no secret. */
const hexRun = /\\\\?x([0-9a-f]{24,})/g;

function* layersOf(content: string | Buffer, depth = 0): Generator<string> {
  const bytes = typeof content === 'string' ? undefined : content;
  const text = bytes === undefined ? (content as string) : bytes.toString('latin1');
  yield text;
  if (depth >= deepest) return;
  const unpacked = bytes === undefined ? undefined : unpack(bytes);
  if (unpacked) yield* layersOf(unpacked, depth + 1);
  for (const [, hex = ''] of text.matchAll(hexRun)) yield* layersOf(Buffer.from(hex, 'hex'), depth + 1);
}

/** What compressed bytes hold; undefined for others. */
function unpack(bytes: Buffer): Buffer | undefined {
  const starts = (...magic: number[]) => magic.every((byte, at) => bytes[at] === byte);
  const ways: [boolean, (from: Buffer, how: { maxOutputLength: number }) => Buffer][] = [
    [starts(0x1f, 0x8b), gunzipSync],
    [starts(0x28, 0xb5, 0x2f, 0xfd), zstdDecompressSync],
    [starts(0x78, 0x9c) || starts(0x78, 0xda) || starts(0x78, 0x01), inflateSync],
    [true, brotliDecompressSync], // has no mark of its own, and fails at once on anything else
  ];
  for (const [may, way] of ways) {
    if (!may) continue;
    try {
      return way(bytes, { maxOutputLength: mostUnpacked });
    } catch {
      // it only looked like it
    }
  }
  return undefined;
}
