import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type AuditLink, AuditLinked, type DsseEnvelope } from '@slipway/contracts';
import { canonicalJson, payloadTypes, type ServiceKey, seal } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { SERVICE_KEY } from '@slipway/service-kit';
import { linkAll, portionsOf } from './domain/audit-chain.js';
import { AuditLog } from './ports.js';

/** How long the writer rests when nobody wakes it. */
const restMs = 30_000;

/** The one operation there is of it. */
export const auditLink = { kind: 'audit-link', key: 'all' } as const;

/** The one writer of the audit chains: links what was recorded, signs the new heads and says both. */
@Injectable()
export class RunAuditLink implements Work {
  readonly kind = auditLink.kind;
  readonly callTimeoutMs = 1000;
  readonly fenced = true;
  readonly concurrency = 1;

  constructor(
    private readonly audit: AuditLog,
    @Inject(SERVICE_KEY) private readonly key: ServiceKey,
  ) {}

  async run(claim: Claim): Promise<Outcome> {
    const linked = await claim.transact((unit) => this.audit.link(unit.tx, async (chain, entries) => this.seal(unit, chain, entries)));
    return { again: { afterMs: linked > 0 ? 0 : restMs, reason: 'waits for the next entry' } };
  }

  private async seal(unit: UnitOfWork, chain: string, entries: Parameters<Parameters<AuditLog['link']>[1]>[1]) {
    const links = linkAll(entries, await this.audit.head(unit.tx, chain), (text) =>
      createHash('sha256').update(text, 'utf8').digest('hex'),
    );
    const last = links.at(-1) as AuditLink;
    const envelopes: DsseEnvelope[] = [];
    for (const portion of portionsOf(links)) envelopes.push(await this.sign(unit, chain, portion));
    const envelope = envelopes.at(-1) as DsseEnvelope;
    return { links, head: { sequence: last.sequence, hash: last.hash, at: unit.now.toISOString(), envelope } };
  }

  private async sign(unit: UnitOfWork, chain: string, links: readonly AuditLink[]) {
    const last = links.at(-1) as AuditLink;
    const head = { chain, sequence: last.sequence, hash: last.hash, at: unit.now.toISOString() };
    const envelope = await seal(this.key.signer, payloadTypes['audit-head'], canonicalJson(head));
    unit.publish(AuditLinked, { subject: chain, data: { chain, links: [...links], head: envelope } });
    return envelope;
  }
}
