import { Injectable } from '@nestjs/common';
import type { Person } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { type Known, People } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

const columns = sealedColumns(sealedTables, 'person');

/** {@link People} as one sealed row each. */
@Injectable()
export class PostgresPeople extends People {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async lock(tx: Tx, id: string): Promise<Known | undefined> {
    const [row] = await tx.query<Known>(`select ${columns} from person where id = $1 for update`, [id]);
    return row && this.seals.believed('person', row);
  }

  async save(tx: Tx, person: Person, version: number): Promise<void> {
    await tx.query(
      `insert into person (id, version, person, seal) values ($1, $2, $3, $4)
       on conflict (id) do update set version = excluded.version, person = excluded.person, seal = excluded.seal`,
      [person.id, version, JSON.stringify(person), this.seals.of('person', { id: person.id, version, person })],
    );
  }

  async anybody(tx: Tx): Promise<boolean> {
    await lockTable(tx);
    return (await tx.query('select 1 from person limit 1')).length > 0;
  }

  async lockAll(tx: Tx): Promise<readonly Person[]> {
    await lockTable(tx);
    return this.believed(await tx.query<Known>(`select ${columns} from person order by id`));
  }

  async all(): Promise<readonly Person[]> {
    return this.believed(await this.database.query<Known>(`select ${columns} from person order by id`));
  }

  private believed(rows: readonly Known[]): Person[] {
    return this.seals.those('person', rows).map(({ person }) => person);
  }
}

/** The table, not its rows: whoever is about to be added counts too. */
async function lockTable(tx: Tx): Promise<void> {
  await tx.query('lock table person in share row exclusive mode');
}
