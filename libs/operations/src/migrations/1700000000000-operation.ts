import type { MigrationInterface, QueryRunner } from '@slipway/postgres';

/** Long work that is owed. `due_at` is the one column workers look at: when ready, when to start; when running, when the lease ends. */
export class Operation1700000000000 implements MigrationInterface {
  readonly name = 'Operation1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table operation (
      id uuid primary key,
      kind text not null,
      key text not null,
      input jsonb not null,
      cause jsonb not null default '{}',
      state text not null default 'ready' check (state in ('ready', 'running', 'done', 'exhausted', 'cancelled')),
      due_at timestamptz not null,
      first_due_at timestamptz not null,
      close_after interval,
      close_at timestamptz,
      epoch integer not null default 0,
      attempt integer not null default 0,
      owner uuid,
      lease interval,
      call_timeout_ms integer not null default 0,
      hurried boolean not null default false,
      cancel_reason text,
      progress jsonb,
      waiting_for text,
      last_error text,
      created_at timestamptz not null default now(),
      finished_at timestamptz,
      unique (kind, key)
    )`);
    await runner.query(`create index operation_due on operation (kind, due_at) where state in ('ready', 'running')`);
    await runner.query(`create index operation_exhausted on operation (kind) where state = 'exhausted'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table operation');
  }
}
