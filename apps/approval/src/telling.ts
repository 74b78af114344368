import { Inject, Injectable } from '@nestjs/common';
import {
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  type DsseEnvelope,
  type EventDefinition,
  type GrantStatement,
  grantPayloadType,
  type PersonReference,
  type Reason,
  SignOffAccepted,
} from '@slipway/contracts';
import { canonicalJson, type ServiceKey, seal } from '@slipway/identity';
import type { Said, UnitOfWork } from '@slipway/messaging';
import { SERVICE_KEY } from '@slipway/service-kit';
import { type ApprovalRequest, type IssuedGrant, type Saying, standingOf } from './domain/approval-request.js';
import { InTest } from './in-test.js';
import { AuditLog, Knowledge, Requests } from './ports.js';

/** What an event has room for; the request itself is kept whole, and it is what decides. */
const mostPeople = 500;
const mostUnmatched = 200;
const longestText = 400;
const longestReason = 4000;

/** Puts decisions into words for the world: one event each, and an entry in the audit chain beside it. */
@Injectable()
export class Telling {
  constructor(
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly audit: AuditLog,
    private readonly inTest: InTest,
    @Inject(SERVICE_KEY) private readonly key: ServiceKey,
  ) {}

  async say(unit: UnitOfWork, request: ApprovalRequest, saying: Saying): Promise<void> {
    const subject = request.release.id;
    const about = { request: request.id, release: request.release, environment: request.environment };
    switch (saying.say) {
      case 'accepted':
        return this.publish(unit, SignOffAccepted, {
          subject,
          data: { ...about, ...(await this.signOffOf(unit, request, saying.signOff)), missing: saying.missing.map(cut) },
        });
      case 'rejected': {
        await this.publish(unit, SignOffAccepted, {
          subject,
          data: { ...about, ...(await this.signOffOf(unit, request, saying.signOff)), missing: [] },
        });
        return this.publish(unit, ApprovalRejected, {
          subject,
          data: { ...about, by: saying.signOff.person, comment: saying.signOff.comment, authors: [...request.authors] },
        });
      }
      case 'granted':
        return this.granted(unit, request, saying.grant, saying.reissued);
      case 'expired':
        return this.publish(unit, ApprovalExpired, { subject, data: { ...about, missing: saying.missing.map(cut) } });
      case 'superseded':
        return this.publish(unit, ApprovalSuperseded, {
          subject,
          data: { ...about, by: saying.by, ...(saying.runs && { runs: true }), signedBy: signersOf(request) },
        });
      case 'voided':
        return this.publish(unit, ApprovalVoided, {
          subject,
          data: { ...about, reason: briefly(saying.reason), changed: saying.changed.map(cut), signedBy: signersOf(request) },
        });
    }
  }

  /** Says what is asked, of whom, and what stands in view of it now; said again when that view changes. */
  async requested(unit: UnitOfWork, request: ApprovalRequest): Promise<void> {
    const people = await this.knowledge.people(unit.tx);
    const { missing, eligible } = standingOf(request, people);
    const involved = new Set(request.involved);
    const { inTest, deployAgain } = await this.inTest.of(unit.tx, request);
    await this.publish(unit, ApprovalRequested, {
      subject: request.release.id,
      data: {
        request: request.id,
        release: request.release,
        environment: request.environment,
        deployment: request.deployment,
        asks: request.asks,
        require: request.policy.require,
        missing: missing.map((each) => cut(each.text.en)),
        eligible: eligible.slice(0, mostPeople),
        involved: people
          .filter((person) => involved.has(person.id))
          .slice(0, mostPeople)
          .map(({ id, name }) => ({ id, name })),
        unmatched: request.unmatched.slice(0, mostUnmatched),
        soakUntil: request.soakUntil,
        expiresAt: request.expiresAt,
        newerAvailable: await this.requests.newestAfter(unit.tx, request),
        inTest,
        deployAgain,
        change: request.change ?? null,
        previous: request.previous && { ...request.previous, reason: briefly(request.previous.reason) },
        authors: [...request.authors],
      },
    });
  }

  /** Another build, or none, runs in a test environment: open requests of releases that came through it say so. */
  async testChanged(unit: UnitOfWork, project: string, environment: string): Promise<void> {
    // Nobody asks meanwhile, or that request would show what ran before.
    await this.knowledge.alone(unit.tx, project);
    for (const request of await this.requests.open(unit.tx, project)) {
      if ((await this.inTest.of(unit.tx, request)).environment === environment) await this.requested(unit, request);
    }
  }

  private async granted(unit: UnitOfWork, request: ApprovalRequest, grant: IssuedGrant, reissued: boolean): Promise<void> {
    const approvals = request.signOffs.filter((signOff) => signOff.decision === 'approve');
    const roles = new Map(standingOf(request, await this.knowledge.people(unit.tx)).counted.map(({ person, role }) => [person, role]));
    const signOffs = approvals.map(({ person, comment, at, event }) => ({
      person,
      role: roles.get(person.id) ?? 'none',
      comment,
      time: at,
      event,
    }));
    const statement: GrantStatement = {
      grant: grant.id,
      request: request.id,
      deployment: request.deployment,
      asks: request.asks,
      issuedAt: grant.issuedAt,
      passedAt: request.verdict.heardAt,
      notAfter: grant.notAfter,
      signOffs: signOffs.map(({ person, role, event }) => ({ person: person.id, role, event })),
    };
    const envelope: DsseEnvelope = await seal(this.key.signer, grantPayloadType, canonicalJson(statement));
    await this.publish(unit, ApprovalGranted, {
      subject: request.release.id,
      data: {
        request: request.id,
        release: request.release,
        environment: request.environment,
        asks: request.asks,
        grant: envelope,
        provenance: request.provenance,
        verdict: request.verdict.envelope,
        byPolicy: request.policy.require.length === 0,
        reissued,
        authors: [...request.authors],
        signOffs: signOffs.map(({ event: _, ...signOff }) => signOff),
      },
    });
  }

  private async signOffOf(unit: UnitOfWork, request: ApprovalRequest, signOff: ApprovalRequest['signOffs'][number]) {
    const { person, decision, comment, via } = signOff;
    const { inTest } = await this.inTest.of(unit.tx, request);
    return {
      person,
      decision,
      comment,
      via,
      inTest: inTest && { environment: inTest.environment, release: inTest.release.number, digest: inTest.image.digest },
    };
  }

  private async publish<E extends EventDefinition>(unit: UnitOfWork, event: E, said: Said<E>): Promise<void> {
    const id = unit.publish(event, { ...said, correlationId: said.subject });
    const data = said.data as { release?: { project: string } };
    await this.audit.record(unit.tx, {
      event: id,
      chain: data.release?.project ?? 'installation',
      at: unit.now.toISOString(),
      entry: { event: event.name, ...(said.data as object) },
    });
  }
}

function signersOf({ signOffs }: ApprovalRequest): PersonReference[] {
  return signOffs.flatMap(({ decision, person }) => (decision === 'approve' ? [person] : [])).slice(0, mostPeople);
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}

function briefly({ code, message }: Reason): Reason {
  return { code, message: message.length > longestReason ? `${message.slice(0, longestReason - 1)}…` : message };
}
