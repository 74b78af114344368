import { Injectable } from '@nestjs/common';
import type { Received, UnitOfWork } from '@slipway/messaging';
import { AuditWaking } from './audit-waking.js';
import { AuditLog } from './ports.js';

/** Brings what others decided into the audit chains: each of their events once. */
@Injectable()
export class Recording {
  constructor(
    private readonly audit: AuditLog,
    private readonly waking: AuditWaking,
  ) {}

  async keep(unit: UnitOfWork, event: Received, chain: string): Promise<void> {
    await this.audit.record(unit.tx, { event: event.id, chain, at: event.time, entry: { event: event.name, ...(event.data as object) } });
    this.waking.after(unit.tx);
  }
}
