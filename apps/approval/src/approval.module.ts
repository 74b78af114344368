import { Module, type OnApplicationBootstrap } from '@nestjs/common';
import { owe } from '@slipway/operations';
import { Database, grantView } from '@slipway/postgres';
import { ServiceModule } from '@slipway/service-kit';
import { PostgresAuditLog } from './adapters/postgres-audit-log.js';
import { PostgresKnowledge } from './adapters/postgres-knowledge.js';
import { PostgresRequests } from './adapters/postgres-requests.js';
import { ApprovalMetrics } from './approval.metrics.js';
import { Asking } from './asking.js';
import { AuditWaking } from './audit-waking.js';
import { Duties } from './duties.js';
import { InTest } from './in-test.js';
import { migrations } from './migrations/index.js';
import { AuditLog, Knowledge, Requests } from './ports.js';
import { Proofs } from './proofs.js';
import { Reconsidering } from './reconsidering.js';
import { Recording } from './recording.js';
import { auditLink, RunAuditLink } from './run-audit-link.js';
import { RunRequestClock } from './run-request-clock.js';
import { sealedTables } from './sealed-tables.js';
import { Settling } from './settling.js';
import { subscriptions } from './subscriptions.js';
import { Telling } from './telling.js';
import { WhatStands } from './what-stands.js';

/** The approval service: who must say yes, who said it, and what was let in. */
@Module({
  imports: [
    ServiceModule.register({ name: 'approval', migrations, sealed: sealedTables, subscriptions, works: [RunRequestClock, RunAuditLink] }),
  ],
  providers: [
    { provide: Knowledge, useClass: PostgresKnowledge },
    { provide: Requests, useClass: PostgresRequests },
    { provide: AuditLog, useClass: PostgresAuditLog },
    ...[
      Asking,
      AuditWaking,
      Duties,
      InTest,
      Proofs,
      Reconsidering,
      Recording,
      Settling,
      Telling,
      WhatStands,
      ApprovalMetrics,
      RunRequestClock,
      RunAuditLink,
    ],
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class ApprovalModule implements OnApplicationBootstrap {
  constructor(private readonly database: Database) {}

  /** The writer of the audit chains is owed once for ever; production-rollout may read one view, and nothing else. */
  async onApplicationBootstrap(): Promise<void> {
    await this.database.transaction((tx) => owe(tx, { ...auditLink, input: null }));
    await grantView(this.database, { view: 'grants_good_now', to: 'production-rollout' });
  }
}
