import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, constants, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Inject, Injectable } from '@nestjs/common';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { GatewayConfig } from '../gateway.config.js';
import { JournalFiles, type JournalRow, JournalUnreadable } from '../ports.js';

/** {@link JournalFiles} as `<month>.ndjson.gz` in SLIPWAY_DATA_DIR/journal: one row a line, readable without any Slipway. */
@Injectable()
export class GzipJournalFiles extends JournalFiles {
  private readonly folder: string;

  constructor(@Inject(SERVICE_CONFIG) config: ConfigOf<typeof GatewayConfig>) {
    super();
    this.folder = join(config.SLIPWAY_DATA_DIR, 'journal');
  }

  async write(month: string, rows: AsyncIterable<JournalRow>): Promise<{ rows: number; sha256: string }> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const fresh = `${this.file(month)}.${process.pid}.new`;
    let count = 0;
    const lines = async function* () {
      for await (const row of rows) {
        count++;
        yield `${JSON.stringify({ ...row, receivedAt: row.receivedAt.toISOString(), value: row.value.toString('base64') })}\n`;
      }
    };
    try {
      await pipeline(Readable.from(lines()), createGzip(), createWriteStream(fresh, { mode: 0o600, flush: true }));
      const sha256 = await hashOf(fresh);
      await rename(fresh, this.file(month));
      await syncFolder(this.folder);
      return { rows: count, sha256 };
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  async *read(month: string, sha256: string): AsyncIterable<JournalRow> {
    const file = this.file(month);
    const found = await hashOf(file).catch((cause: unknown) => {
      throw new JournalUnreadable(
        `the journal of ${month} was moved to ${file}, which cannot be read: bring it back from the machine or backup that has it`,
        { cause },
      );
    });
    if (found !== sha256)
      throw new JournalUnreadable(`${file} is not the file that was written (SHA-256 ${sha256}): bring it back from a backup`);
    for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Number.POSITIVE_INFINITY })) {
      const row = JSON.parse(line) as Omit<JournalRow, 'receivedAt' | 'value'> & { receivedAt: string; value: string };
      yield { ...row, receivedAt: new Date(row.receivedAt), value: Buffer.from(row.value, 'base64') };
    }
  }

  async missing(months: readonly string[]): Promise<readonly string[]> {
    const files = months.map((month) => this.file(month));
    const readable = await Promise.all(files.map((file) => isReadable(file)));
    return files.filter((_, at) => !readable[at]);
  }

  private file(month: string): string {
    return join(this.folder, `${month}.ndjson.gz`);
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
