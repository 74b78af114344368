import type { ApprovalPolicy, CommitIdentity, Person, PersonReference, Reason, Role } from '@slipway/contracts';
import { humansOf, type Known } from './duties.js';
import { assign, type Candidate, type Missing, missingFrom } from './requirement-assignment.js';

/** What these rules need to know of a person. */
export type Judged = Known & Pick<Person, 'name' | 'roles' | 'active'>;

/** A yes that was given; a no ends a request and never gets here. */
export interface Approval {
  readonly person: string;
  readonly via: 'http' | 'key';
}

/** A request for sign-off: the policy, whose change it is, and what was said so far. */
export interface Asked {
  readonly project: string;
  readonly policy: ApprovalPolicy;
  readonly people: readonly Judged[];
  readonly involved: ReadonlySet<string>;
  readonly unmatched: readonly CommitIdentity[];
  /** In the order they were given. */
  readonly approvals: readonly Approval[];
}

/** A role somebody of which must still sign, and who could. */
export interface StillMissing extends Missing {
  readonly eligible: readonly PersonReference[];
  /** True when not even all of them together would suffice. */
  readonly nobodyLeft: boolean;
  readonly text: { readonly en: string; readonly zh: string };
}

/** Where a request stands. */
export interface Standing {
  /** Enough has been said: the release may be granted. */
  readonly complete: boolean;
  /** The approvals that count, with the role each was given in. */
  readonly counted: readonly { readonly person: string; readonly role: Role }[];
  readonly missing: readonly StillMissing[];
  /** Everybody whose approval would count and who has not given it. */
  readonly eligible: readonly PersonReference[];
}

const roleNames: Readonly<Record<Role, { en: string; zh: string }>> = {
  developer: { en: 'developer', zh: '开发人员' },
  tester: { en: 'tester', zh: '测试人员' },
  operator: { en: 'operator', zh: '运维人员' },
  administrator: { en: 'administrator', zh: '管理员' },
  auditor: { en: 'auditor', zh: '审计人员' },
};

/**
 * Where a request stands: the one rule by which approval grants and by which everybody else says what is missing. Judged anew each time from
 * people as they are: an approval by somebody who has since lost the role, or left, counts no more.
 */
export function judge(asked: Asked): Standing {
  const { policy, people } = asked;
  const filling = { require: policy.require, distinct: policy.distinct, extra: extraOf(asked) };
  const humans = humansOf(people);
  const byId = new Map(people.map((person) => [person.id, person]));
  const counting = asked.approvals.flatMap((approval) => {
    const person = byId.get(approval.person);
    return person && !refusal(asked, person, approval.via, humans) ? [person] : [];
  });
  const signers = candidates(asked, counting, humans);
  const missing = missingFrom(filling, signers);
  const signed = new Set(counting.map((person) => humans.get(person.id)));
  const eligible = people.filter((person) => !signed.has(humans.get(person.id)) && !refusal(asked, person, 'key', humans));
  const atBest = missingFrom(filling, [...signers, ...candidates(asked, eligible, humans)]);
  const filled = new Map(assign(filling, signers).map(({ person, role }) => [person, role]));
  return {
    complete: missing.length === 0,
    counted: signers.map(({ person, roles }) => ({ person, role: filled.get(person) ?? (roles[0] as Role) })),
    missing: missing.map((each) => stillMissing(each, asked, eligible, atBest)),
    eligible: eligible.map(({ id, name }) => ({ id, name })),
  };
}

/**
 * Why this person's yes would not count, or undefined when it would. `alreadySigned` is left out by the fold over what was said before, so that a
 * repeated yes is told apart by whoever keeps it.
 */
export function refusalOf(asked: Asked, person: Judged, via: 'http' | 'key'): Reason | undefined {
  const humans = humansOf(asked.people);
  const refused = refusal(asked, person, via, humans);
  if (refused) return refused;
  const same = asked.approvals.some(
    (approval) => (humans.get(approval.person) ?? approval.person) === (humans.get(person.id) ?? person.id),
  );
  return same ? { code: 'already-signed', message: `${person.name} has signed this request already; a person counts once` } : undefined;
}

/** Why this person's no would not be heard. Who made the change may stop it: only a yes needs somebody else. */
export function rejectionRefusalOf(asked: Asked, person: Judged, via: 'http' | 'key'): Reason | undefined {
  return refusal({ ...asked, involved: new Set() }, person, via, new Map());
}

function refusal(asked: Asked, person: Judged, via: 'http' | 'key', humans: ReadonlyMap<string, string>): Reason | undefined {
  const { policy, project } = asked;
  if (!person.active) return { code: 'person-inactive', message: `${person.name} is no longer active` };
  if (rolesHere(asked, person).length === 0) {
    const wanted = [...new Set(policy.require.map(({ role }) => role))].join(' or ');
    return { code: 'role-missing', message: wanted ? `${person.name} is no ${wanted} in ${project}` : 'this request needs no sign-off' };
  }
  if (policy.duties === 'separate' && isInvolved(asked, person, humans)) {
    return {
      code: 'own-change',
      message: `${person.name} wrote, committed, pushed or triggered part of this change; somebody else must sign`,
    };
  }
  if (policy.proof === 'key' && via !== 'key')
    return { code: 'key-needed', message: 'this environment wants a signature by a registered key: slipway approve --with-key' };
  return undefined;
}

function isInvolved(asked: Asked, person: Judged, humans: ReadonlyMap<string, string>): boolean {
  const human = humans.get(person.id) ?? person.id;
  return [...asked.involved].some((id) => (humans.get(id) ?? id) === human);
}

function extraOf({ policy, unmatched }: Asked): number {
  return policy.duties === 'separate' && policy.require.length > 0 ? unmatched.length : 0;
}

/** The roles the policy asks for that a person holds in the project. */
function rolesHere({ policy, project }: Asked, person: Judged): Role[] {
  const held = new Set(person.roles.filter((grant) => grant.project === '*' || grant.project === project).map((grant) => grant.role));
  return [...new Set(policy.require.map(({ role }) => role))].filter((role) => held.has(role));
}

/** One candidate for each human, by the first account that signed, with the roles of all accounts that did. */
function candidates(asked: Asked, people: readonly Judged[], humans: ReadonlyMap<string, string>): Candidate[] {
  const byHuman = new Map<string, { person: string; roles: Role[] }>();
  for (const person of people) {
    const human = humans.get(person.id) ?? person.id;
    const entry = byHuman.get(human) ?? { person: person.id, roles: [] };
    byHuman.set(human, { ...entry, roles: [...new Set([...entry.roles, ...rolesHere(asked, person)])] });
  }
  return [...byHuman.values()];
}

function stillMissing({ role, count }: Missing, asked: Asked, eligible: readonly Judged[], atBest: readonly Missing[]): StillMissing {
  const able = eligible.filter((person) => rolesHere(asked, person).includes(role)).map(({ id, name }) => ({ id, name }));
  const nobodyLeft = atBest.some((each) => each.role === role);
  const { en, zh } = roleNames[role];
  const extra = extraOf(asked);
  const who = asked.unmatched.map(({ name, email, account }) => email ?? account ?? name);
  const some = who.slice(0, 3).join(', ') + (who.length > 3 ? ', …' : '');
  const because =
    extra > 0
      ? {
          en: ` (${extra} more than the policy says, as ${some} matches nobody here)`,
          zh: `（比策略多 ${extra} 人，因为 ${some} 无法对应到任何人）`,
        }
      : { en: '', zh: '' };
  const left = nobodyLeft ? { en: '; nobody eligible is left', zh: '；已无符合条件的人' } : { en: '', zh: '' };
  return {
    role,
    count,
    eligible: able,
    nobodyLeft,
    text: {
      en: `${count} more ${en}${count > 1 ? 's' : ''}${because.en}${left.en}`,
      zh: `还需 ${count} 名${zh}签核${because.zh}${left.zh}`,
    },
  };
}
