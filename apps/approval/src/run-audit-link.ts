import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type AuditLink, AuditLinked, type DsseEnvelope } from '@slipway/contracts';
import { canonicalJson, payloadTypes, type ServiceKey, seal } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { LOGGER, type Logger, SERVICE_KEY } from '@slipway/service-kit';
import { linkAll, portionsOf } from './domain/audit-chain.js';
import { AuditLog, linkedAtOnce } from './ports.js';

/** How long the writer rests when nobody wakes it. */
const restMs = 30_000;

/** The one operation there is of it. */
export const auditLink = { kind: 'audit-link', key: 'all' } as const;

/** The one writer of the audit chains: links what was recorded, signs the new heads and says both. */
@Injectable()
export class RunAuditLink implements Work {
  readonly kind = auditLink.kind;
  readonly callTimeoutMs = 1000;
  readonly concurrency = 1;

  constructor(
    private readonly audit: AuditLog,
    @Inject(SERVICE_KEY) private readonly key: ServiceKey,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async run(claim: Claim): Promise<Outcome> {
    const { entries, waiting } = await claim.transact((unit) =>
      this.audit.link(unit.tx, (chain, head, entries) => this.seal(unit, chain, linkAll(entries, head, sha256))),
    );
    if (waiting.length > 0)
      this.logger.error(
        { chains: waiting },
        'audit chains wait for their head, which is not the one approval wrote: see docs/guides/row-seals.md',
      );
    // Whoever records another wakes us for it.
    return { again: { afterMs: entries === linkedAtOnce ? 0 : restMs, reason: reasonOf(waiting) } };
  }

  private async seal(unit: UnitOfWork, chain: string, links: readonly AuditLink[]) {
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

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

function reasonOf(waiting: readonly string[]): string {
  return waiting.length === 0 ? 'waits for the next entry' : `the heads of ${waiting.slice(0, 5).join(', ')} are not believed`;
}
