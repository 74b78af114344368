import { Inject, Injectable } from '@nestjs/common';
import { hurry } from '@slipway/operations';
import { Database, type Tx } from '@slipway/postgres';
import { LOGGER, type Logger } from '@slipway/service-kit';
import { auditLink } from './run-audit-link.js';

/** Entries wait this long for others before the writer is woken for all of them, in ms. */
const gatherMs = 100;

/**
 * Wakes the one writer of the audit chains once entries are committed. In a transaction of its own, for all that came meanwhile: waking it in theirs
 * would let all decisions queue for its one row. Where it is not woken, because we died in between, it looks by itself.
 */
@Injectable()
export class AuditWaking {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Wakes it after this transaction. */
  after(tx: Tx): void {
    tx.afterCommit(() => {
      this.timer ??= setTimeout(() => void this.wake(), gatherMs);
    });
  }

  private async wake(): Promise<void> {
    this.timer = undefined;
    try {
      await this.database.transaction((tx) => hurry(tx, auditLink.kind, auditLink.key));
    } catch (error) {
      this.logger.warn({ err: error }, 'the writer of the audit chains could not be woken; it looks by itself');
    }
  }
}
