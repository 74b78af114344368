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
    const rows = await this.database.query<{ stream: string }>(
      'select stream from log_chunk where release = $1 and chunk = 0 order by stream',
      [release],
    );
    return rows.map(({ stream }) => stream);
  }

  async read(release: string, stream: string, from: number, most: number): Promise<readonly { text: string; last: boolean }[]> {
    const rows = await this.database.query<{ chunk: number; packed: Buffer; last: boolean }>(
      'select chunk, packed, last from log_chunk where release = $1 and stream = $2 and chunk >= $3 order by chunk limit $4',
      [release, stream, from, most],
    );
    const whole = rows.filter((row, at) => row.chunk === from + at);
    return Promise.all(whole.map(async (row) => ({ text: (await unpacked(row.packed)).toString('utf8'), last: row.last })));
  }
}
