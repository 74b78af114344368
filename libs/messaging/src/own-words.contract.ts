import { randomUUID } from 'node:crypto';
import { defineEvent } from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import { eventually, realParts } from '@slipway/testkit';
import pg from 'pg';
import { z } from 'zod';
import { headersOf, signed } from './envelope.js';
import type { MessagingOptions } from './messaging.js';
import { type TestService, Told, TwoServices, testCatalog } from './two-services.contract.js';

/** Kept for ever, in a compacted topic. */
export const Kept = defineEvent({
  name: 'test.kept',
  writer: 'source-watcher',
  topic: 'projects',
  about: 'project',
  data: z.object({ what: z.string() }),
});

const schema = schemaOf('source-watcher');
const tables = ['outbox', 'sequence', 'handoff', 'said_place', 'stored_offset', 'inbox'];

/** A source-watcher whose database is set back while Kafka goes on. */
export class SetBack {
  private constructor(readonly scene: TwoServices) {}

  static async build(): Promise<SetBack> {
    return new SetBack(await TwoServices.build());
  }

  async watcher(...subscriptions: Parameters<TestService['messaging']['start']>): Promise<TestService> {
    const watcher = await this.scene.replica('source-watcher', { catalog: [...testCatalog, Kept] });
    await watcher.messaging.start(...subscriptions);
    return watcher;
  }

  /** Starts one that is expected not to come up. `reason` is what it says about itself; `over` stops it. */
  async standing(more: Partial<MessagingOptions> = {}): Promise<{ reason: string; service: TestService; over(): Promise<string> }> {
    const service = await this.scene.replica('source-watcher', { catalog: [...testCatalog, Kept], ...more });
    const started = service.messaging.start().then(
      () => 'it came up',
      (error: Error) => error.message,
    );
    const reason = await eventually(() => service.messaging.health().reasons.find((each) => each.includes('is older than')) ?? false);
    const over = async () => {
      await this.scene.stop(service);
      return await started;
    };
    return { reason, service, over };
  }

  /** Says something, and waits until Kafka has it and the database knows that. */
  async tell(by: TestService, subject: string = randomUUID(), event: typeof Told | typeof Kept = Told): Promise<string> {
    const id = await by.messaging.transact(async (unit) => unit.publish(event, { subject, data: { what: 'that it is so' } }));
    await this.published(id);
    return id;
  }

  async published(id: string): Promise<void> {
    const found = async () => await this.rows('select 1 from $schema.outbox where event_id = $1 and published_at is not null', [id]);
    await eventually(async () => (await found()).length === 1);
  }

  async rows(sql: string, params: unknown[] = []): Promise<Record<string, string>[]> {
    return await this.scene.rows('source-watcher', sql, params);
  }

  async backUp(): Promise<void> {
    for (const table of tables) {
      await this.rows(`drop table if exists public.backup_${table}`);
      await this.rows(`create table public.backup_${table} as select * from ${schema}.${table}`);
    }
  }

  async restore(): Promise<void> {
    for (const table of tables) {
      await this.rows(`truncate ${schema}.${table}`);
      await this.rows(`insert into ${schema}.${table} overriding system value select * from public.backup_${table}`);
    }
  }

  /** Writes to Kafka what source-watcher is said to have said; signed by whoever's key is given. */
  async forge(by: 'source-watcher' | 'image-builder' | undefined, { subject, sequence, time = new Date() }: Forged): Promise<void> {
    const value = Buffer.from(JSON.stringify({ what: 'forged' }));
    const headers = headersOf({ id: randomUUID(), source: 'source-watcher', type: Told.type, time, subject, sequence });
    const proven = by === undefined ? headers : await signed(headers, value, this.scene.ring.keys[by].signer);
    await this.scene.forge([{ topic: 'commits', key: subject, value, headers: proven }]);
  }

  /** A copy of the whole database under another name. Who works with it is cut off for a moment. */
  async copyDatabase(): Promise<string> {
    const { name } = this.scene.postgres;
    const copy = `${name}_${randomUUID().slice(0, 8)}`;
    await this.alone(name, [`create database ${copy} template ${name}`, `alter database ${name} with allow_connections true`]);
    return copy;
  }

  /** Fails over: from now on the other database answers by this name. What answered before is gone. */
  async failOver(to: string): Promise<void> {
    const { name } = this.scene.postgres;
    await this.alone(name, [`drop database ${name} with (force)`, `alter database ${to} rename to ${name}`]);
  }

  async clear(): Promise<void> {
    await this.scene.demolish();
  }

  private async alone(name: string, then: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: realParts().databaseUrl });
    await client.connect();
    try {
      await client.query(`alter database ${name} with allow_connections false`);
      await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [name]);
      for (const statement of then) await client.query(statement);
    } finally {
      await client.end();
    }
  }
}

interface Forged {
  readonly subject: string;
  readonly sequence: number;
  readonly time?: Date;
}
