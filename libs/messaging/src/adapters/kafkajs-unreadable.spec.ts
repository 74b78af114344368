import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

/** What kafkajs reads batches with is not exported; patches/kafkajs+2.2.4.patch mends it. */
const inside = createRequire(import.meta.url);
const decodeMessages: (decoder: unknown) => Promise<{ offset: string; headers: Record<string, unknown>; value: Buffer | null }[]> = inside(
  'kafkajs/src/protocol/requests/fetch/v4/decodeMessages',
);
const Decoder: new (bytes: Buffer) => unknown = inside('kafkajs/src/protocol/decoder');

/** Zig-zag, as records write their numbers. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value < 0 ? -2 * value - 1 : 2 * value; ; left = Math.floor(left / 128)) {
    bytes.push((left % 128) + (left > 127 ? 128 : 0));
    if (left <= 127) return Buffer.from(bytes);
  }
}

function record(offsetDelta: number, headers: readonly (readonly [string, string | null])[] = []): Buffer {
  const written = headers.map(([name, value]) =>
    Buffer.concat([
      varint(name.length),
      Buffer.from(name),
      value === null ? varint(-1) : Buffer.concat([varint(value.length), Buffer.from(value)]),
    ]),
  );
  const body = Buffer.concat([Buffer.from([0, 0]), varint(offsetDelta), varint(-1), varint(-1), varint(headers.length), ...written]);
  return Buffer.concat([varint(body.length), body]);
}

/** What a fetch brings: a batch of format 2 at offset 10 (Kafka protocol, record batch). `codec`: 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
function fetched(count: number, records: Buffer, codec = 0): unknown {
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(10n, 0);
  head.writeInt32BE(49 + records.length, 8);
  head.writeInt8(2, 16);
  head.writeInt16BE(codec, 21);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  const size = Buffer.alloc(4);
  size.writeInt32BE(head.length + records.length);
  return new Decoder(Buffer.concat([size, head, records]));
}

describe('kafkajs, patched', () => {
  it('reads more records of one batch than a call may have arguments', async () => {
    const many = 130_000;
    const records = Buffer.concat(Array.from({ length: many }, (_, at) => record(at)));
    const found = await decodeMessages(fetched(many, records));
    expect(found).toHaveLength(many);
    expect(found.at(-1)?.offset).toBe(String(10 + many - 1));
  });

  it('reads as many headers as fit into one record', async () => {
    const headers = Array.from({ length: 100_000 }, (_, at) => [`h${at % 50_000}`, ''] as const);
    const [found] = await decodeMessages(fetched(1, record(0, headers)));
    expect(Object.keys(found?.headers ?? {})).toHaveLength(50_000);
    expect(found?.headers['h1']).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });

  it('reads headers without a value, and headers named as every object has them', async () => {
    const [found] = await decodeMessages(
      fetched(
        1,
        record(0, [
          ['none', null],
          ['__proto__', 'p'],
          ['constructor', 'c'],
        ]),
      ),
    );
    expect(Object.entries(found?.headers ?? {}).map(([name, value]) => [name, value && String(value)])).toEqual([
      ['none', null],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });

  it.each([
    ['zstd', 3, Buffer.from('x'), 4, 'ZSTD compression not implemented'],
    ['gzip that is none', 3, Buffer.from('not gzip'), 1, 'incorrect header check'],
    ['gzip of fewer records than it says', 3, gzipSync(record(0)), 1, ''],
    ['a little gzip of very much', 1, gzipSync(Buffer.alloc(20_000_000)), 1, 'larger than'],
    ['a count of records no batch has', 2 ** 30, gzipSync(record(0)), 1, '1073741824 records'],
  ])('gives one record for a batch it cannot read, at its last offset: %s', async (_, count, records, codec, why) => {
    const found = await decodeMessages(fetched(count, records, codec));
    expect(found).toMatchObject([{ offset: String(10 + count - 1), value: null }]);
    expect(String(found[0]?.headers['kafkajs.unreadable'])).toContain(why);
  });
});
