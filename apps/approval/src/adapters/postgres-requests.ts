import { Injectable } from '@nestjs/common';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { compareReleases, goesBackwards, newestOf } from '@slipway/release';
import type { ApprovalRequest } from '../domain/approval-request.js';
import { Requests, type Where } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

interface Row {
  request: ApprovalRequest;
}

type Asking = Pick<ApprovalRequest, 'id' | 'release'>;

const columns = sealedColumns(sealedTables, 'request');
const undecided = `(state = 'open' or (state = 'granted' and not grant_used))`;

/** {@link Requests} as one row each: the request whole, and beside it what is searched for, all of it sealed. */
@Injectable()
export class PostgresRequests extends Requests {
  constructor(private readonly seals: RowSeals) {
    super();
  }

  async find(tx: Tx, id: string): Promise<ApprovalRequest | undefined> {
    return this.believed(await tx.query<Row>(`select ${columns} from request where id = $1 for update`, [id]));
  }

  async insert(tx: Tx, request: ApprovalRequest): Promise<void> {
    const row = rowOf(request);
    await tx.query(
      `insert into request (id, release, project, environment, number, state, version, request, grant_id, grant_not_after, grant_used, opened_at, seal)
       values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $11, $12)`,
      [
        ...[row.id, row.release, row.project, row.environment, row.number, row.state, JSON.stringify(request)],
        ...[row.grant_id, row.grant_not_after, row.grant_used, row.opened_at, this.seals.of('request', row)],
      ],
    );
  }

  async save(tx: Tx, request: ApprovalRequest): Promise<void> {
    const row = rowOf(request);
    await tx.query(
      `update request set state = $2, version = version + 1, request = $3, grant_id = $4, grant_not_after = $5, grant_used = $6, seal = $7
       where id = $1`,
      [row.id, row.state, JSON.stringify(request), row.grant_id, row.grant_not_after, row.grant_used, this.seals.of('request', row)],
    );
  }

  async undecided(tx: Tx, where: Where): Promise<readonly ApprovalRequest[]> {
    const [condition, params] =
      'target' in where
        ? [`request -> 'deployment' -> 'target' ->> 'name' = $1`, [where.target]]
        : 'release' in where
          ? ['release = $1', [where.release]]
          : where.environment === undefined
            ? ['project = $1', [where.project]]
            : ['project = $1 and environment = $2', [where.project, where.environment]];
    return await this.locked(tx, `${condition} and ${undecided}`, params);
  }

  async open(tx: Tx, project: string): Promise<readonly ApprovalRequest[]> {
    return await this.locked(tx, `project = $1 and state = 'open'`, [project]);
  }

  async olderThan(tx: Tx, request: ApprovalRequest): Promise<readonly ApprovalRequest[]> {
    const isOlder = ({ release }: Asking) => goesBackwards(request.release, release);
    const older = (await this.beside(tx, request)).filter(isOlder).map(({ id }) => id);
    return older.length === 0 ? [] : (await this.locked(tx, `id = any($1) and ${undecided}`, [older])).filter(isOlder);
  }

  async newestAfter(tx: Tx, request: ApprovalRequest): Promise<number | null> {
    const newer = (await this.beside(tx, request)).filter(({ release }) => compareReleases(request.release, release) === 'newer');
    return newestOf(newer, ({ release }) => release)?.release.number ?? null;
  }

  /** Who else is undecided for the same environment, neither locked nor believed yet. */
  private async beside(tx: Tx, { id, release, environment }: ApprovalRequest): Promise<readonly Asking[]> {
    return tx.query<Asking>(
      `select id, request -> 'release' as release from request where project = $1 and environment = $2 and id <> $3 and ${undecided}`,
      [release.project, environment, id],
    );
  }

  async current(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return this.believed(
      await tx.query<Row>(`select ${columns} from request where release = $1 and environment = $2 and ${undecided} for update`, [
        release,
        environment,
      ]),
    );
  }

  async latest(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return this.believed(
      await tx.query<Row>(
        `select ${columns} from request where release = $1 and environment = $2 order by opened_at desc, id desc limit 1 for update`,
        [release, environment],
      ),
    );
  }

  async useNonce(tx: Tx, nonce: string, request: string, at: Date): Promise<boolean> {
    const rows = await tx.query('insert into nonce (nonce, request, used_at) values ($1, $2, $3) on conflict do nothing returning nonce', [
      nonce,
      request,
      at,
    ]);
    return rows.length > 0;
  }

  /** Oldest first. They are taken newest first: who has one and takes those before it in line never waits for who has one of these and does the same. */
  private async locked(tx: Tx, condition: string, params: unknown[]): Promise<readonly ApprovalRequest[]> {
    const rows = await tx.query<Row>(`select ${columns} from request where ${condition} order by number desc, id desc for update`, params);
    return this.seals.those('request', rows.toReversed()).map((row) => row.request);
  }

  private believed([row]: readonly Row[]): ApprovalRequest | undefined {
    return row && this.seals.believed('request', row).request;
  }
}

/** Its columns, as they are written and sealed. */
function rowOf(request: ApprovalRequest) {
  const { id, release, environment, state } = request;
  const grant =
    request.state === 'granted'
      ? { grant_id: request.grant.id, grant_not_after: new Date(request.grant.notAfter), grant_used: request.grant.used }
      : { grant_id: null, grant_not_after: null, grant_used: false };
  const { id: releaseId, project, number } = release;
  return { id, release: releaseId, project, environment, number, state, request, ...grant, opened_at: new Date(request.openedAt) };
}
