import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '@slipway/postgres';
import { Logs } from '../ports.js';

const packed = promisify(gzip);
const unpacked = promisify(gunzip);

/** {@link Logs} as one compressed row a chunk; a chunk that comes twice is one chunk. */
@Injectable()
export class PostgresLogs extends Logs {
  constructor(private readonly database: Database) {
    super();
  }

  async keep(tx: Tx, chunk: { release: string; stream: string; chunk: number; text: string; last: boolean }): Promise<void> {
    await tx.query('insert into log_chunk (release, stream, chunk, packed, last) values ($1, $2, $3, $4, $5) on conflict do nothing', [
      chunk.release,
      chunk.stream.replaceAll('\0', ''),
      chunk.chunk,
      await packed(Buffer.from(chunk.text, 'utf8')),
      chunk.last,
    ]);
  }

  async streams(release: string): Promise<readonly string[]> {
    const rows = await this.database.query<{ stream: string }>('select distinct stream from log_chunk where release = $1 order by stream', [
      release,
    ]);
    return rows.map(({ stream }) => stream);
  }

  async bytes(): Promise<number> {
    const [row] = await this.database.query<{ bytes: number }>('select coalesce(sum(bytes), 0)::float8 as bytes from log_chunk');
    return row?.bytes ?? 0;
  }

  async forgetOlderThan(days: number, limit: number): Promise<{ chunks: number; bytes: number }> {
    return this.forget('select ctid from log_chunk where at < now() - make_interval(days => $1) order by at limit $2', [days, limit]);
  }

  async forgetOldest(bytes: number, limit: number): Promise<{ chunks: number; bytes: number }> {
    return this.forget(
      `select ctid from (
         select ctid, sum(bytes) over (order by at, ctid) - bytes as before from (select ctid, at, bytes from log_chunk order by at limit $2) as oldest
       ) as summed where before < $1`,
      [bytes, limit],
    );
  }

  private async forget(which: string, params: number[]): Promise<{ chunks: number; bytes: number }> {
    const [gone] = await this.database.query<{ chunks: number; bytes: number }>(
      `with gone as (delete from log_chunk where ctid = any(array(${which})) returning bytes)
       select count(*)::int as chunks, coalesce(sum(bytes), 0)::float8 as bytes from gone`,
      params,
    );
    return gone ?? { chunks: 0, bytes: 0 };
  }

  async read(
    release: string,
    stream: string,
    from: number,
    most: number,
  ): Promise<readonly { chunk: number; text: string; last: boolean }[]> {
    const rows = await this.database.query<{ chunk: number; packed: Buffer; last: boolean }>(
      'select chunk, packed, last from log_chunk where release = $1 and stream = $2 and chunk >= $3 order by chunk limit $4',
      [release, stream, from, most],
    );
    // Asked from the beginning, whose beginning was forgotten: from what is left.
    const first = from === 0 ? (rows[0]?.chunk ?? 0) : from;
    const whole = rows.filter((row, at) => row.chunk === first + at);
    return Promise.all(
      whole.map(async (row) => ({ chunk: row.chunk, text: (await unpacked(row.packed)).toString('utf8'), last: row.last })),
    );
  }
}
