import { Injectable } from '@nestjs/common';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { type EnvironmentState, emptyEnvironment, type Queued, type TestDeployment } from '../domain/test-environment.js';
import { Deployments } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

type Row = { deployment: TestDeployment };

const columns = sealedColumns(sealedTables, 'deployment');

/** {@link Deployments} in this service's own tables. */
@Injectable()
export class PostgresDeployments extends Deployments {
  constructor(private readonly seals: RowSeals) {
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
    return (await this.stateOf(tx, project, environment, 'for update')) ?? empty;
  }

  async known(tx: Tx, project: string, environment: string): Promise<EnvironmentState | undefined> {
    return this.stateOf(tx, project, environment, '');
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

  async dropEnvironment(tx: Tx, project: string, environment: string): Promise<void> {
    await tx.query('delete from environment where project = $1 and environment = $2', [project, environment]);
  }

  async environmentsOf(tx: Tx, project: string): Promise<readonly string[]> {
    const rows = await tx.query<{ environment: string }>('select environment from environment where project = $1 order by 1', [project]);
    return rows.map(({ environment }) => environment);
  }

  async occupiedBy(tx: Tx, release: string): Promise<readonly { project: string; environment: string }[]> {
    return tx.query(`select project, environment from environment where state -> 'occupant' -> 'release' ->> 'id' = $1 order by 1, 2`, [
      release,
    ]);
  }

  async find(tx: Tx, id: string): Promise<TestDeployment | undefined> {
    return this.believed(await tx.query<Row>(`select ${columns} from deployment where id = $1 for update`, [id]));
  }

  async peek(tx: Tx, id: string): Promise<TestDeployment | undefined> {
    return this.believed(await tx.query<Row>(`select ${columns} from deployment where id = $1`, [id]));
  }

  async waiting(tx: Tx, project: string, environment: string): Promise<readonly Queued[]> {
    const rows = await tx.query<Queued>(
      `select id, deployment -> 'release' as release, deployment -> 'asked' as asked from deployment
       where project = $1 and environment = $2 and state = 'waiting' order by created_at, id`,
      [project, environment],
    );
    return rows.filter(isReadable);
  }

  async believedOf(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
    const rows = await tx.query<{ id: string }>(`select ${columns} from deployment where id = any($1::uuid[]) and state = 'waiting'`, [
      ids,
    ]);
    return this.seals.those('deployment', rows).map(({ id }) => id);
  }

  async running(tx: Tx, project: string, environment: string): Promise<TestDeployment | undefined> {
    return this.believed(
      await tx.query<Row>(
        `select ${columns} from deployment where project = $1 and environment = $2 and state in ('deploying', 'verifying')`,
        [project, environment],
      ),
    );
  }

  async ofRelease(tx: Tx, release: string): Promise<readonly TestDeployment[]> {
    const rows = await tx.query<Row>(`select ${columns} from deployment where release = $1 order by created_at, id`, [release]);
    return this.seals.those('deployment', rows).map(({ deployment }) => deployment);
  }

  async insert(tx: Tx, deployment: TestDeployment): Promise<void> {
    const row = rowOf(deployment);
    await tx.query(
      'insert into deployment (id, project, environment, release, state, deployment, seal) values ($1, $2, $3, $4, $5, $6, $7)',
      [row.id, row.project, row.environment, row.release, row.state, JSON.stringify(deployment), this.seals.of('deployment', row)],
    );
  }

  async save(tx: Tx, deployment: TestDeployment): Promise<void> {
    const row = rowOf(deployment);
    await tx.query('update deployment set state = $2, deployment = $3, seal = $4 where id = $1', [
      row.id,
      row.state,
      JSON.stringify(deployment),
      this.seals.of('deployment', row),
    ]);
  }

  private async stateOf(tx: Tx, project: string, environment: string, lock: string): Promise<EnvironmentState | undefined> {
    const [row] = await tx.query<{ state: EnvironmentState }>(
      `select ${sealedColumns(sealedTables, 'environment')} from environment where project = $1 and environment = $2 ${lock}`,
      [project, environment],
    );
    return row && this.seals.believed('environment', row).state;
  }

  private believed([row]: readonly Row[]): TestDeployment | undefined {
    return row && this.seals.believed('deployment', row).deployment;
  }
}

/** Whether it says what the order of releases is told by; what we wrote does. */
function isReadable({ release }: Queued): boolean {
  return typeof release?.number === 'number' && Array.isArray(release.ancestorOf);
}

/** Its columns, as they are written and sealed. */
function rowOf(deployment: TestDeployment) {
  const { id, project, environment, release, state } = deployment;
  return { id, project, environment, release: release.id, state, deployment };
}
