import { Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import {
  type EnvironmentState,
  emptyEnvironment,
  type Past,
  type Queued,
  type RequestEnd,
  type Rollout,
  type Standing,
  standingOf,
} from '../domain/environment.js';
import { Rollouts } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

interface Row {
  readonly rollout: Rollout;
}

const columns = sealedColumns(sealedTables, 'rollout');

/** {@link Rollouts} in this service's own tables. */
@Injectable()
export class PostgresRollouts extends Rollouts {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async environment(tx: Tx, project: string, environment: string): Promise<EnvironmentState> {
    const empty = emptyEnvironment(project, environment);
    await tx.query('insert into environment (project, environment, state, seal) values ($1, $2, $3, $4) on conflict do nothing', [
      project,
      environment,
      JSON.stringify(empty),
      this.seals.of('environment', { project, environment, state: empty }),
    ]);
    const [row] = await tx.query<{ state: EnvironmentState }>(
      `select ${sealedColumns(sealedTables, 'environment')} from environment where project = $1 and environment = $2 for update`,
      [project, environment],
    );
    return row ? this.seals.believed('environment', row).state : empty;
  }

  async saveEnvironment(tx: Tx, state: EnvironmentState): Promise<void> {
    const { project, environment } = state;
    await tx.query('update environment set state = $3, version = version + 1, seal = $4 where project = $1 and environment = $2', [
      project,
      environment,
      JSON.stringify(state),
      this.seals.of('environment', { project, environment, state }),
    ]);
  }

  async occupied(): Promise<readonly { project: string; environment: string }[]> {
    return this.database.query(`select project, environment from environment where state -> 'running' <> 'null'::jsonb`);
  }

  async find(tx: Tx, id: string): Promise<Rollout | undefined> {
    return this.believed(await tx.query<Row>(`select ${columns} from rollout where id = $1 for update`, [id]));
  }

  async standing(tx: Tx, past: Past): Promise<Standing> {
    const rollout = this.believed(await tx.query<Row>(`select ${columns} from rollout where id = $1`, [past.rollout]));
    if (!rollout) throw new Error(`rollout ${past.rollout}, which was good, is gone from the table`);
    return standingOf(past, rollout);
  }

  async ofRequest(tx: Tx, request: string): Promise<Rollout | undefined> {
    return this.believed(await tx.query<Row>(`select ${columns} from rollout where request = $1 for update`, [request]));
  }

  async alone(tx: Tx, request: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`production-rollout/request/${request}`]);
  }

  async rememberEnd(tx: Tx, request: string, end: RequestEnd): Promise<void> {
    await tx.query(`delete from request_end where heard_at < now() - interval '1 day'`);
    await tx.query('insert into request_end (request, "end") values ($1, $2) on conflict do nothing', [request, JSON.stringify(end)]);
  }

  async endOf(tx: Tx, request: string): Promise<RequestEnd | undefined> {
    return (await tx.query<{ end: RequestEnd }>('select "end" from request_end where request = $1', [request]))[0]?.end;
  }

  async waitingOf(tx: Tx, release: string): Promise<readonly Rollout[]> {
    const rows = await tx.query<Row>(
      `select ${columns} from rollout where release = $1 and state = 'waiting' order by created_at for update`,
      [release],
    );
    return this.seals.those('rollout', rows).map((row) => row.rollout);
  }

  async waiting(tx: Tx, project: string, environment: string): Promise<readonly Queued[]> {
    const rows = await tx.query<Queued>(
      `select id, rollout ->> 'kind' as kind, rollout -> 'release' as release,
         jsonb_build_object('issuedAt', rollout -> 'grant' -> 'issuedAt') as grant
       from rollout where project = $1 and environment = $2 and state = 'waiting' order by created_at, id`,
      [project, environment],
    );
    return rows.filter(isReadable);
  }

  async believedOf(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
    const rows = await tx.query<Row & { id: string }>(`select ${columns} from rollout where id = any($1::uuid[]) and state = 'waiting'`, [
      ids,
    ]);
    return this.seals.those('rollout', rows).map(({ id }) => id);
  }

  async isWanted(project: string, environment: string): Promise<boolean> {
    const rows = await this.database.query(`select 1 from rollout where project = $1 and environment = $2 and state = 'running' limit 1`, [
      project,
      environment,
    ]);
    return rows.length > 0;
  }

  async rollbackWaits(tx: Tx, project: string, environment: string): Promise<boolean> {
    const rows = await tx.query<Row>(
      `select ${columns} from rollout where project = $1 and environment = $2 and state = 'waiting' and rollout ->> 'kind' = 'rollback'`,
      [project, environment],
    );
    return this.seals.those('rollout', rows).length > 0;
  }

  async running(tx: Tx, project: string, environment: string): Promise<Rollout | undefined> {
    return this.believed(
      await tx.query<Row>(`select ${columns} from rollout where project = $1 and environment = $2 and state = 'running'`, [
        project,
        environment,
      ]),
    );
  }

  async insert(tx: Tx, rollout: Rollout): Promise<void> {
    const row = rowOf(rollout);
    await tx.query(
      'insert into rollout (id, project, environment, release, request, state, rollout, seal) values ($1, $2, $3, $4, $5, $6, $7, $8)',
      [
        ...[row.id, row.project, row.environment, row.release, row.request, row.state, JSON.stringify(rollout)],
        this.seals.of('rollout', row),
      ],
    );
  }

  async save(tx: Tx, rollout: Rollout): Promise<void> {
    await tx.query('update rollout set state = $2, rollout = $3, seal = $4 where id = $1', [
      rollout.id,
      rollout.state,
      JSON.stringify(rollout),
      this.seals.of('rollout', rowOf(rollout)),
    ]);
  }

  async withdrawn(tx: Tx, project: string): Promise<ReadonlySet<string>> {
    return new Set(
      (await tx.query<{ release: string }>('select release from withdrawn where project = $1', [project])).map((row) => row.release),
    );
  }

  async withdraw(tx: Tx, { id, project }: Release): Promise<void> {
    await tx.query('insert into withdrawn (release, project) values ($1, $2) on conflict do nothing', [id, project]);
  }

  private believed([row]: readonly Row[]): Rollout | undefined {
    return row && this.seals.believed('rollout', row).rollout;
  }
}

/** Whether it says what the order of releases is told by; what we wrote does. */
function isReadable({ release, grant }: Queued): boolean {
  return typeof release?.number === 'number' && Array.isArray(release.ancestorOf) && typeof grant.issuedAt === 'string';
}

/** Its columns, as they are written and sealed. */
function rowOf(rollout: Rollout) {
  const { id, project, environment, release, state } = rollout;
  return {
    id,
    project,
    environment,
    release: release.id,
    request: rollout.kind === 'rollout' ? rollout.grant.request : null,
    state,
    rollout,
  };
}
