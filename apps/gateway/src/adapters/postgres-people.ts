import { Injectable } from '@nestjs/common';
import type { Person } from '@slipway/contracts';
import { Database, type Tx } from '@slipway/postgres';
import { type Known, People } from '../ports.js';

/** {@link People} as one row each. */
@Injectable()
export class PostgresPeople extends People {
  constructor(private readonly database: Database) {
    super();
  }

  async lock(tx: Tx, id: string): Promise<Known | undefined> {
    return (await tx.query<{ person: Person; version: number }>('select person, version from person where id = $1 for update', [id]))[0];
  }

  async save(tx: Tx, person: Person, version: number): Promise<void> {
    await tx.query(
      'insert into person (id, version, person) values ($1, $2, $3) on conflict (id) do update set version = excluded.version, person = excluded.person',
      [person.id, version, JSON.stringify(person)],
    );
  }

  async lockAll(tx: Tx): Promise<readonly Person[]> {
    // The table, not its rows: whoever is about to be added counts too.
    await tx.query('lock table person in share row exclusive mode');
    return (await tx.query<{ person: Person }>('select person from person order by id')).map(({ person }) => person);
  }

  async all(): Promise<readonly Person[]> {
    return (await this.database.query<{ person: Person }>('select person from person order by id')).map(({ person }) => person);
  }
}
