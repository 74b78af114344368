import { Injectable } from '@nestjs/common';
import { catalog, type Service } from '@slipway/contracts';
import { parseType } from '@slipway/messaging';
import { placeOf } from './domain/dead-letter-place.js';
import { type HandedOver, type Obstacle, obstacleIn, worker } from './domain/obstacle.js';
import { toldOf } from './journal-told.js';
import { Journal, type JournalRow, Ledger } from './ports.js';

/** Events of a release that are looked at, the newest; and how much of what a service said since, in rows of the journal. */
const most = { events: 1_000, handedOver: 30, said: 20_000 };

/** What stands in the way of a release that does not get on: told by the journal, which has what each service answered, and by open dead letters. */
@Injectable()
export class Obstacles {
  constructor(
    private readonly journal: Journal,
    private readonly ledger: Ledger,
  ) {}

  /** Nothing, where nobody has been handed anything of it. */
  async of(release: string, heard: ReadonlyMap<string, Date>): Promise<Obstacle[]> {
    const rows = await this.journal.after('0', most.events, { release });
    const due = rows.flatMap((row) => owedFor(row).map((service) => ({ row, service }))).slice(-most.handedOver);
    const letters = await this.ledger.deadLettersOf(due.map(({ row }) => row.headers['ce_id'] ?? ''));
    const handed: HandedOver[] = [];
    for (const { row, service } of due) {
      const answer = await this.answer(row, service);
      if (answer === 'unknown') continue;
      const letter = letters.find(({ data }) => data.service === service && data.event === row.headers['ce_id']);
      handed.push({
        service,
        event: nameOf(row),
        at: row.receivedAt.toISOString(),
        answer,
        deadLetter: letter && { place: placeOf(letter.data), reason: letter.data.reason.slice(0, 300), at: letter.at.toISOString() },
        heard: heard.get(service)?.toISOString(),
      });
    }
    const now = new Date().toISOString();
    const found = handed.flatMap((each) => obstacleIn(each, now) ?? []);
    return found.length > 0 ? found : [worker(handed) ?? []].flat();
  }

  /** The last the service said because of it; unknown where it has said too much since to look through. */
  private async answer({ seq, headers }: JournalRow, service: Service): Promise<HandedOver['answer'] | 'unknown'> {
    const { last, whole } = await this.journal.saidBecause(service, headers['ce_id'] ?? '', seq, most.said);
    if (!last) return whole ? undefined : 'unknown';
    const told = toldOf(last);
    const at = last.receivedAt.toISOString();
    if (told?.name !== 'event.noted') return { outcome: 'answered', reason: null, at };
    return { outcome: told.data.outcome, reason: told.data.reason, at };
  }
}

/** Who must act on it. */
function owedFor(row: JournalRow): readonly Service[] {
  return catalog.get(nameOf(row))?.actedOnBy ?? [];
}

function nameOf({ headers }: JournalRow): string {
  return parseType(headers['ce_type'])?.name ?? '';
}
