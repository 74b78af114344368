import { Injectable } from '@nestjs/common';
import type { Tx } from '@slipway/postgres';
import type { ApprovalRequest } from '../domain/approval-request.js';
import { Requests } from '../ports.js';

interface Row {
  request: ApprovalRequest;
}

/** {@link Requests} as one row each: the request whole, and beside it what is searched for. */
@Injectable()
export class PostgresRequests extends Requests {
  async find(tx: Tx, id: string): Promise<ApprovalRequest | undefined> {
    return (await tx.query<Row>('select request from request where id = $1 for update', [id]))[0]?.request;
  }

  async insert(tx: Tx, request: ApprovalRequest): Promise<void> {
    await tx.query(
      `insert into request (id, release, project, environment, number, state, version, request, grant_id, grant_not_after, grant_used, opened_at)
       values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $11)`,
      [
        request.id,
        request.release.id,
        request.release.project,
        request.environment,
        request.release.number,
        request.state,
        JSON.stringify(request),
        ...grantColumns(request),
        request.openedAt,
      ],
    );
  }

  async save(tx: Tx, request: ApprovalRequest): Promise<void> {
    await tx.query(
      'update request set state = $2, version = version + 1, request = $3, grant_id = $4, grant_not_after = $5, grant_used = $6 where id = $1',
      [request.id, request.state, JSON.stringify(request), ...grantColumns(request)],
    );
  }

  async undecided(
    tx: Tx,
    where: { project: string; environment?: string } | { target: string } | { release: string },
  ): Promise<readonly ApprovalRequest[]> {
    const [condition, params] =
      'target' in where
        ? [`request -> 'deployment' -> 'target' ->> 'name' = $1`, [where.target]]
        : 'release' in where
          ? ['release = $1', [where.release]]
          : ['project = $1 and ($2::text is null or environment = $2)', [where.project, where.environment ?? null]];
    const rows = await tx.query<Row>(
      `select request from request where ${condition} and (state = 'open' or (state = 'granted' and not grant_used)) order by number, id for update`,
      params,
    );
    return rows.map((row) => row.request);
  }

  async newestAfter(tx: Tx, { release, environment }: ApprovalRequest): Promise<number | null> {
    const [row] = await tx.query<{ number: number | null }>(
      `select max(number) as number from request
       where project = $1 and environment = $2 and number > $3 and request -> 'release' ->> 'line' = $4
         and (state = 'open' or (state = 'granted' and not grant_used))`,
      [release.project, environment, release.number, release.line],
    );
    return row?.number ?? null;
  }

  async current(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return (
      await tx.query<Row>(
        `select request from request where release = $1 and environment = $2 and (state = 'open' or (state = 'granted' and not grant_used)) for update`,
        [release, environment],
      )
    )[0]?.request;
  }

  async latest(tx: Tx, release: string, environment: string): Promise<ApprovalRequest | undefined> {
    return (
      await tx.query<Row>(
        'select request from request where release = $1 and environment = $2 order by opened_at desc, id desc limit 1 for update',
        [release, environment],
      )
    )[0]?.request;
  }

  async useNonce(tx: Tx, nonce: string, request: string, at: Date): Promise<boolean> {
    const rows = await tx.query('insert into nonce (nonce, request, used_at) values ($1, $2, $3) on conflict do nothing returning nonce', [
      nonce,
      request,
      at,
    ]);
    return rows.length > 0;
  }
}

function grantColumns(request: ApprovalRequest): [string | null, string | null, boolean] {
  return request.state === 'granted' ? [request.grant.id, request.grant.notAfter, request.grant.used] : [null, null, false];
}
