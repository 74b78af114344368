import { randomUUID } from 'node:crypto';
import pg from 'pg';

const connections = 8;
/** The state changes of a release from commit to production, as facts/reliability.md 3.3 counts them. */
export const transitions = 8;

/**
 * PB3's other side: a plain script that takes so many releases through eight states on the same Postgres, with eight connections; each step one
 * transaction of what a step cannot do without: what came in is remembered, the release is locked and moved on, what goes out is written down. Gives
 * the ms that took.
 */
export async function plainCommits(url: string, releases: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: connections, connectionTimeoutMillis: 10_000 });
  try {
    await pool.query('drop schema if exists plain cascade');
    await pool.query(`create schema plain;
      create table plain.release (id uuid primary key, state int not null, version int not null);
      create table plain.inbox (event_id uuid primary key, at timestamptz not null default now());
      create table plain.outbox (id bigint generated always as identity primary key, release uuid not null, value text not null)`);
    const ids = Array.from({ length: releases }, () => randomUUID());
    await pool.query('insert into plain.release select id, 0, 0 from unnest($1::uuid[]) as id', [ids]);
    const steps = Array.from({ length: transitions }, (_, state) => ids.map((id) => ({ id, state }))).flat();
    const value = 'x'.repeat(1500);
    let next = 0;
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const client = await pool.connect();
        try {
          while (next < steps.length) await step(client, steps[next++] as { id: string; state: number }, value);
        } finally {
          client.release();
        }
      }),
    );
    return performance.now() - begun;
  } finally {
    await pool.query('drop schema if exists plain cascade').catch(() => undefined);
    await pool.end();
  }
}

async function step(client: pg.PoolClient, { id, state }: { id: string; state: number }, value: string): Promise<void> {
  await client.query('begin');
  await client.query({ name: 'in', text: 'insert into plain.inbox (event_id) values ($1) on conflict do nothing', values: [randomUUID()] });
  await client.query({ name: 'lock', text: 'select state, version from plain.release where id = $1 for update', values: [id] });
  await client.query({
    name: 'move',
    text: 'update plain.release set state = $2, version = version + 1 where id = $1',
    values: [id, state + 1],
  });
  await client.query({ name: 'out', text: 'insert into plain.outbox (release, value) values ($1, $2)', values: [id, value] });
  await client.query('commit');
}
