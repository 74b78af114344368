import type {
  ApprovalPolicy,
  ChangeInView,
  CommitIdentity,
  DsseEnvelope,
  Person,
  PersonReference,
  Reason,
  Release,
  ResolvedDeployment,
} from '@slipway/contracts';
import { judge, refusalOf, rejectionRefusalOf, type Standing } from '@slipway/release';

/** One person's yes or no, as it was accepted. */
export interface SignOff {
  readonly person: PersonReference;
  readonly decision: 'approve' | 'reject';
  readonly comment: string;
  readonly via: 'http' | 'key';
  readonly event: string;
  readonly at: string;
}

/** The grant a request ended in; reissued under a new id until its rollout begins. */
export interface IssuedGrant {
  readonly id: string;
  readonly issuedAt: string;
  readonly notAfter: string;
  readonly used: boolean;
  /** The ids it went out under before, newest last: a rollout may begin by one of them while the next is on its way. Absent in grants of before these were kept. */
  readonly earlier?: readonly string[];
}

/** test-deployer's word that a release is good, and when it was heard, by the database. */
export interface HeardVerdict {
  readonly envelope: DsseEnvelope;
  readonly heardAt: string;
}

/** What is asked, fixed when the request is opened. */
export interface Asked {
  readonly id: string;
  readonly release: Release;
  readonly environment: string;
  readonly deployment: ResolvedDeployment;
  /** SHA-256 of the deployment's canonical JSON. */
  readonly asks: string;
  readonly policy: ApprovalPolicy;
  /** Ids of the people whose own change this is. */
  readonly involved: readonly string[];
  /** Identities that match nobody: each asks for one more distinct person. */
  readonly unmatched: readonly CommitIdentity[];
  readonly authors: readonly CommitIdentity[];
  readonly openedAt: string;
  readonly soakUntil: string | null;
  readonly expiresAt: string;
  readonly provenance: DsseEnvelope;
  readonly verdict: HeardVerdict;
  readonly through: string;
  /** What is new to the environment, as it was when this was asked; absent in requests of before this was kept. */
  readonly change?: ChangeInView;
  readonly previous: { readonly request: string; readonly reason: Reason; readonly by: PersonReference | null } | null;
}

interface Common extends Asked {
  readonly signOffs: readonly SignOff[];
}

/**
 * A request for sign-off: one release into one environment.
 * `open` waits for people or for the soak; `granted` is good for one rollout; the others are ends.
 */
export type ApprovalRequest =
  | (Common & { readonly state: 'open' })
  | (Common & { readonly state: 'granted'; readonly grant: IssuedGrant })
  | (Common & { readonly state: 'rejected' })
  | (Common & { readonly state: 'expired' })
  | (Common & { readonly state: 'superseded' })
  /** Why; absent in what was voided before this was kept. */
  | (Common & { readonly state: 'voided'; readonly reason?: Reason });

/** What can happen to a request. Times, ids and what others know come in as data. */
export type Input =
  | {
      readonly kind: 'signed';
      readonly by: Person;
      readonly signOff: SignOff;
      readonly asks: string;
      readonly people: readonly Person[];
      readonly grantId: string;
      readonly now: string;
    }
  | { readonly kind: 'time-passed'; readonly people: readonly Person[]; readonly grantId: string; readonly now: string }
  /** `runs` where that runs there already. */
  | { readonly kind: 'superseded'; readonly by: Release; readonly runs?: true }
  | { readonly kind: 'voided'; readonly reason: Reason; readonly changed: readonly string[] }
  | { readonly kind: 'rollout-started'; readonly grant: string };

/** What the world is told. */
export type Saying =
  | { readonly say: 'accepted'; readonly signOff: SignOff; readonly missing: readonly string[] }
  | { readonly say: 'granted'; readonly grant: IssuedGrant; readonly reissued: boolean }
  | { readonly say: 'rejected'; readonly signOff: SignOff }
  | { readonly say: 'expired'; readonly missing: readonly string[] }
  | { readonly say: 'superseded'; readonly by: Release; readonly runs?: true }
  | { readonly say: 'voided'; readonly reason: Reason; readonly changed: readonly string[] };

export type Decision =
  | { readonly changed: { readonly next: ApprovalRequest; readonly says: readonly Saying[] } }
  | { readonly unchanged: true }
  | { readonly refused: Reason };

/** An unused grant lives at most this long (design part 4, Trust); it is reissued a while before. */
export const grantLifeSeconds = 3600;
export const reissueAfterSeconds = 2700;
/** Only the last is good still, and the one before it until that was heard. */
const mostEarlier = 20;

const unchanged: Decision = { unchanged: true };
const refused = (code: string, message: string): Decision => ({ refused: { code, message } });
const changed = (next: ApprovalRequest, ...says: Saying[]): Decision => ({ changed: { next, says } });

/** What becomes of a request when something happens: the only place where an approval is decided. */
export function decide(request: ApprovalRequest, input: Input): Decision {
  switch (input.kind) {
    case 'signed':
      return sign(request, input);
    case 'time-passed':
      return timePassed(request, input);
    case 'superseded':
      return request.state === 'open' || isUnusedGrant(request)
        ? changed({ ...request, state: 'superseded' }, { say: 'superseded', by: input.by, ...(input.runs && { runs: true }) })
        : unchanged;
    case 'voided':
      return request.state === 'open' || isUnusedGrant(request)
        ? changed({ ...request, state: 'voided', reason: input.reason }, { say: 'voided', reason: input.reason, changed: input.changed })
        : unchanged;
    case 'rollout-started':
      return isUnusedGrant(request) && isOf(request.grant, input.grant)
        ? changed({ ...request, grant: { ...request.grant, used: true } })
        : unchanged;
  }
}

/**
 * Of the same release in the same environment a rollout by an earlier request's grant may begin too: a rollback to it, or one that began before that was
 * voided. This grant is still good then, and still bound to what it was given for.
 */
function isOf({ id, earlier }: IssuedGrant, grant: string): boolean {
  return grant === id || earlier === undefined || earlier.includes(grant);
}

/** Whether the request ended in a grant whose rollout has not begun. */
export function isUnusedGrant(request: ApprovalRequest): request is Extract<ApprovalRequest, { state: 'granted' }> {
  return request.state === 'granted' && !request.grant.used;
}

/** When time alone changes the request next; null when it never does. */
export function nextMoment(request: ApprovalRequest, now: string): string | null {
  if (request.state === 'open') {
    const { soakUntil, expiresAt } = request;
    return soakUntil !== null && soakUntil > now && soakUntil < expiresAt ? soakUntil : expiresAt;
  }
  return isUnusedGrant(request) ? plus(request.grant.issuedAt, reissueAfterSeconds) : null;
}

/** Where the request stands with what was said so far: the rule that grants, and that everybody else shows. */
export function standingOf(request: ApprovalRequest, people: readonly Person[]): Standing {
  return judge(askedOf(request, people));
}

function askedOf(request: ApprovalRequest, people: readonly Person[]): Parameters<typeof judge>[0] {
  const approvals = request.signOffs
    .filter((signOff) => signOff.decision === 'approve')
    .map((signOff) => ({ person: signOff.person.id, via: signOff.via }));
  return {
    project: request.release.project,
    policy: request.policy,
    people,
    involved: new Set(request.involved),
    unmatched: request.unmatched,
    approvals,
  };
}

function sign(request: ApprovalRequest, input: Extract<Input, { kind: 'signed' }>): Decision {
  const { signOff, by, people } = input;
  if (request.state !== 'open') return refused('not-open', `this request is ${request.state}; nothing more can be decided on it`);
  if (input.now >= request.expiresAt) return refused('expired', `this request was open until ${request.expiresAt}`);
  if (input.asks !== request.asks)
    return refused('other-deployment', 'this was signed for another deployment than the one asked for; read the request again');
  if (signOff.decision === 'reject') return reject(request, signOff, rejectionRefusalOf(askedOf(request, people), by, signOff.via));
  const reason = refusalOf(askedOf(request, people), by, signOff.via);
  if (reason) return { refused: reason };
  const after = { ...request, signOffs: [...request.signOffs, signOff] };
  const { complete, missing } = standingOf(after, people);
  const accepted: Saying = { say: 'accepted', signOff, missing: missing.map((each) => each.text.en) };
  return complete && soaked(request, input.now) ? grant(after, input, [accepted]) : changed(after, accepted);
}

function reject(request: ApprovalRequest, signOff: SignOff, reason: Reason | undefined): Decision {
  if (reason) return { refused: reason };
  if (signOff.comment.trim() === '') return refused('no-reason', 'say why: the reason reaches the authors');
  return changed({ ...request, state: 'rejected', signOffs: [...request.signOffs, signOff] }, { say: 'rejected', signOff });
}

function timePassed(request: ApprovalRequest, input: Extract<Input, { kind: 'time-passed' }>): Decision {
  if (request.state === 'open') {
    const { complete, missing } = standingOf(request, input.people);
    if (complete && soaked(request, input.now) && input.now < request.expiresAt) return grant(request, input, []);
    return input.now >= request.expiresAt
      ? changed({ ...request, state: 'expired' }, { say: 'expired', missing: missing.map((each) => each.text.en) })
      : unchanged;
  }
  if (!isUnusedGrant(request) || input.now < plus(request.grant.issuedAt, reissueAfterSeconds)) return unchanged;
  const { id, earlier = [] } = request.grant;
  const reissued = issue(input.grantId, input.now, [...earlier, id].slice(-mostEarlier));
  return changed({ ...request, grant: reissued }, { say: 'granted', grant: reissued, reissued: true });
}

function grant(request: Common, input: { grantId: string; now: string }, before: readonly Saying[]): Decision {
  const issued = issue(input.grantId, input.now, []);
  return changed({ ...request, state: 'granted', grant: issued }, ...before, { say: 'granted', grant: issued, reissued: false });
}

function issue(id: string, now: string, earlier: readonly string[]): IssuedGrant {
  return { id, issuedAt: now, notAfter: plus(now, grantLifeSeconds), used: false, earlier };
}

function soaked(request: Asked, now: string): boolean {
  return request.soakUntil === null || now >= request.soakUntil;
}

/** The same moment some seconds later; RFC 3339 UTC in and out, so that texts compare as times do. */
export function plus(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString();
}
