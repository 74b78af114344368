import { Injectable } from '@nestjs/common';
import type { Tx } from '@slipway/postgres';
import { type EnvironmentState, emptyEnvironment, type Queued, type TestDeployment } from '../domain/test-environment.js';
import { Deployments } from '../ports.js';

type Row = { deployment: TestDeployment };

/** {@link Deployments} in this service's own tables. */
@Injectable()
export class PostgresDeployments extends Deployments {
  async environment(tx: Tx, project: string, environment: string): Promise<EnvironmentState> {
    const empty = emptyEnvironment(project, environment);
    await tx.query('insert into environment (project, environment, state) values ($1, $2, $3) on conflict do nothing', [
      project,
      environment,
      JSON.stringify(empty),
    ]);
    const [row] = await tx.query<{ state: EnvironmentState }>(
      'select state from environment where project = $1 and environment = $2 for update',
      [project, environment],
    );
    return row?.state ?? empty;
  }

  async known(tx: Tx, project: string, environment: string): Promise<EnvironmentState | undefined> {
    const rows = await tx.query<{ state: EnvironmentState }>('select state from environment where project = $1 and environment = $2', [
      project,
      environment,
    ]);
    return rows[0]?.state;
  }

  async saveEnvironment(tx: Tx, state: EnvironmentState): Promise<void> {
    await tx.query('update environment set state = $3, version = version + 1 where project = $1 and environment = $2', [
      state.project,
      state.environment,
      JSON.stringify(state),
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
    return (await tx.query<Row>('select deployment from deployment where id = $1 for update', [id]))[0]?.deployment;
  }

  async peek(tx: Tx, id: string): Promise<TestDeployment | undefined> {
    return (await tx.query<Row>('select deployment from deployment where id = $1', [id]))[0]?.deployment;
  }

  async waiting(tx: Tx, project: string, environment: string): Promise<readonly Queued[]> {
    return tx.query<Queued>(
      `select id, deployment -> 'release' as release, deployment -> 'asked' as asked from deployment
       where project = $1 and environment = $2 and state = 'waiting' order by created_at, id`,
      [project, environment],
    );
  }

  async running(tx: Tx, project: string, environment: string): Promise<TestDeployment | undefined> {
    const rows = await tx.query<Row>(
      `select deployment from deployment where project = $1 and environment = $2 and state in ('deploying', 'verifying')`,
      [project, environment],
    );
    return rows[0]?.deployment;
  }

  async ofRelease(tx: Tx, release: string): Promise<readonly TestDeployment[]> {
    const rows = await tx.query<Row>('select deployment from deployment where release = $1 order by created_at, id', [release]);
    return rows.map(({ deployment }) => deployment);
  }

  async insert(tx: Tx, deployment: TestDeployment): Promise<void> {
    const { id, project, environment, release, state } = deployment;
    await tx.query('insert into deployment (id, project, environment, release, state, deployment) values ($1, $2, $3, $4, $5, $6)', [
      id,
      project,
      environment,
      release.id,
      state,
      JSON.stringify(deployment),
    ]);
  }

  async save(tx: Tx, deployment: TestDeployment): Promise<void> {
    await tx.query('update deployment set state = $2, deployment = $3 where id = $1', [
      deployment.id,
      deployment.state,
      JSON.stringify(deployment),
    ]);
  }
}
