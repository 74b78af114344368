import { Injectable } from '@nestjs/common';
import { Database, type Tx } from '@slipway/postgres';
import { Folding } from './folding.js';
import { toldOf } from './journal-told.js';
import { Journal, JournalFiles, type JournalRow, LedgerBooks } from './ports.js';

const atOnce = 500;

/** Folds the ledger anew from the journal. Reading goes on meanwhile; new events wait. */
@Injectable()
export class Rebuilding {
  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly books: LedgerBooks,
    private readonly files: JournalFiles,
    private readonly folding: Folding,
  ) {}

  /** One transaction: the old ledger stands until the new one does. Gives how many events were folded. */
  async rebuild(): Promise<number> {
    return this.database.transaction(async (tx) => {
      await this.books.clear(tx);
      const releases = new Set<string>();
      let folded = 0;
      for await (const row of this.everything(tx)) {
        const told = toldOf(row);
        if (!told) continue;
        for (const release of await this.folding.keep(tx, told)) releases.add(release);
        folded++;
      }
      for (const release of releases) await this.folding.refold(tx, release);
      return folded;
    });
  }

  /** The months in files first, then what is in Postgres. */
  private async *everything(tx: Tx): AsyncIterable<JournalRow> {
    for (const { month, sha256 } of await this.journal.archives(tx)) yield* this.files.read(month, sha256);
    for (let seq = '0'; ; ) {
      const rows = await this.journal.within(tx, seq, atOnce);
      yield* rows;
      const last = rows.at(-1);
      if (!last) return;
      seq = last.seq;
    }
  }
}
