import { Injectable } from '@nestjs/common';
import type { Tx } from '@slipway/postgres';
import { Journal, JournalFiles, type JournalRow, type LedgerProgress } from './ports.js';

export type Place = LedgerProgress['place'];

/** Rows of the journal read in one go, and where that ended. */
export interface Read {
  readonly rows: readonly JournalRow[];
  readonly place: Place;
}

/** A month was moved to its file while it was read: rows may have been passed by. */
export class JournalMoved extends Error {
  override readonly name = 'JournalMoved';
}

/** Reads the journal from its beginning: the months in files first, then what is in Postgres; from any place again. */
@Injectable()
export class ReadingJournal {
  constructor(
    private readonly journal: Journal,
    private readonly files: JournalFiles,
  ) {}

  /** Where it begins, and how much there is, about. */
  async beginning(): Promise<{ place: Place; of: number }> {
    const { length: archives } = await this.journal.archives();
    return { place: { archives, file: 0, line: 0, seq: '0' }, of: Number((await this.journal.newest()).seq) };
  }

  /** All from there on, `most` rows at a time; ends with what is there now. @throws JournalUnreadable, JournalMoved */
  async *from(place: Place, most: number): AsyncIterable<Read> {
    const archives = await this.unmoved(place);
    for (let { file, line } = place; file < archives.length; file++, line = 0) {
      const { month, sha256 } = archives[file] as (typeof archives)[number];
      let rows: JournalRow[] = [];
      let at = 0;
      for await (const row of this.files.read(month, sha256)) {
        at++;
        if (at <= line) continue;
        rows.push(row);
        if (rows.length < most) continue;
        yield { rows, place: { ...place, file, line: at } };
        rows = [];
      }
      yield { rows, place: { ...place, file: file + 1, line: 0 } };
    }
    const inTable = { ...place, file: archives.length, line: 0 };
    for (let { seq } = place; ; ) {
      const rows = await this.journal.after(seq, most, {});
      await this.unmoved(place);
      const last = rows.at(-1);
      if (!last) return;
      seq = last.seq;
      yield { rows, place: { ...inTable, seq } };
    }
  }

  /** What came after that place, by the transaction's own eyes. */
  async *rest(tx: Tx, { seq }: Place, most: number): AsyncIterable<readonly JournalRow[]> {
    for (let at = seq; ; ) {
      const rows = await this.journal.within(tx, at, most);
      const last = rows.at(-1);
      if (!last) return;
      at = last.seq;
      yield rows;
    }
  }

  private async unmoved(place: Place) {
    const archives = await this.journal.archives();
    if (archives.length !== place.archives) throw new JournalMoved('a month of the journal was moved to its file meanwhile');
    return archives;
  }
}
