import { Injectable } from '@nestjs/common';
import type { Person } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import { People } from '../ports.js';

/** {@link People} in notifier's own table. */
@Injectable()
export class PostgresPeople extends People {
  async keep(tx: Tx, person: Person, version: number): Promise<void> {
    await tx.query(
      `insert into person (id, version, person) values ($1, $2, $3)
       on conflict (id) do update set version = excluded.version, person = excluded.person where person.version < excluded.version`,
      [person.id, version, JSON.stringify(person)],
    );
  }

  async all(tx: Tx): Promise<readonly Person[]> {
    return (await tx.query<{ person: Person }>('select person from person')).map((row) => row.person);
  }
}
