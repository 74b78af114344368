import { type ApprovalPolicy, type Person, ProjectApplied } from '@slipway/contracts';
import { canonicalJson } from '@slipway/identity';
import { factsOf, wordsOf } from './facts.ts';
import { type Grant, peopleAt, type SignOff, signOffsOf } from './grants.ts';
import { heardAt } from './heard.ts';
import type { History } from './history.ts';
import type { Findings } from './tell.ts';

/** Whether a grant was given as the policy of its environment asks: by sign-offs that prove whose they are, of this request, by enough people of the roles. */
export function letIn(grant: Grant, history: History, findings: Findings): void {
  const { statement, event } = grant;
  const { deployment, request } = statement;
  findings.count('grants');
  const no = (what: string) =>
    findings.breach(
      deployment.release.id,
      `grant ${statement.grant} of release ${deployment.release.number} for ${deployment.project}/${deployment.environment} ${what}`,
      [wordsOf(event)],
    );
  const allowed = policiesThen(grant, history);
  if (!allowed.some((each) => canonicalJson(each) === canonicalJson(deployment.policy)))
    no('was given by another policy than the project file has');
  const policy = deployment.policy;
  if (policy === null) return void no('was given by no policy');
  const proven = signOffsOf(history);
  const signed: SignOff[] = [];
  for (const { event: id, person } of statement.signOffs) {
    findings.count('sign-offs');
    const signOff = proven.get(id);
    const { claims } = signOff ?? {};
    if (!signOff || !claims) no(`counts sign-off ${id}, which proves nobody`);
    else if (claims.request !== request || claims.asks !== statement.asks) no(`counts sign-off ${id}, which is for another request`);
    else if (claims.decision !== 'approve' || claims.person !== person) no(`counts sign-off ${id} as a yes of ${person}, which it is not`);
    else if (policy.proof === 'key' && signOff.via !== 'key') no(`counts sign-off ${id}, which is not by a registered key`);
    else signed.push(signOff);
  }
  const missing = missingFrom(policy, deployment.project, rolesOf(signed, history, Date.parse(statement.issuedAt)));
  if (missing.length > 0) no(`was given though ${missing.join(' and ')} is missing`);
}

/** What two transactions of approval may overlap by. */
const overlapMs = 10_000;

/** The policies the environment had in the project files that approval may have gone by when it gave the grant: the newest it had heard of, and what came meanwhile. */
function policiesThen({ statement, event }: Grant, history: History): ApprovalPolicy[] {
  const facts = factsOf(history);
  const { project, environment, projectVersion } = statement.deployment;
  const versions = facts
    .named(ProjectApplied)
    .filter(({ data }) => data.project === project)
    .toSorted((one, other) => one.data.version - other.data.version);
  const heard = (each: (typeof versions)[number]) => heardAt(facts, 'approval', each) ?? Number.POSITIVE_INFINITY;
  const newest =
    versions.findLast((each) => heard(each) < event.ms - overlapMs) ?? versions.find(({ data }) => data.version === projectVersion);
  const meanwhile = versions.filter((each) => heard(each) >= event.ms - overlapMs && heard(each) <= event.ms);
  return [...(newest ? [newest] : []), ...meanwhile].flatMap(({ data }) => {
    const found = data.file?.spec.environments.find(({ name }) => name === environment);
    return found && found.stage !== 'test' ? [found.approval] : [];
  });
}

/** Who signed, each with the roles they held then or when it was counted. */
function rolesOf(signed: readonly SignOff[], history: History, counted: number): ReadonlyMap<string, Person[]> {
  const facts = factsOf(history);
  return new Map(
    signed.map(({ claims, event }) => {
      const then = peopleAt(facts, event.ms).get(claims.person);
      const later = peopleAt(facts, counted).get(claims.person);
      return [claims.person, [then, later].flatMap((person) => (person?.active ? [person] : []))];
    }),
  );
}

/** Roles of which somebody is missing. One person fills one place, unless the policy lets them fill several. */
function missingFrom(policy: ApprovalPolicy, project: string, signed: ReadonlyMap<string, readonly Person[]>): string[] {
  const holds = (person: string, role: string) =>
    (signed.get(person) ?? []).some(({ roles }) =>
      roles.some((held) => held.role === role && (held.project === '*' || held.project === project)),
    );
  const people = [...signed.keys()];
  if (!policy.distinct) {
    return policy.require
      .filter(({ role, count }) => people.filter((person) => holds(person, role)).length < count)
      .map(({ role }) => role);
  }
  const places = policy.require.flatMap(({ role, count }) => Array.from({ length: count }, () => role));
  const takenBy = new Map<number, string>();
  const find = (person: string, tried: Set<number>): boolean =>
    places.some((role, place) => {
      if (tried.has(place) || !holds(person, role)) return false;
      tried.add(place);
      const other = takenBy.get(place);
      if (other !== undefined && !find(other, tried)) return false;
      takenBy.set(place, person);
      return true;
    });
  for (const person of people) find(person, new Set());
  return places.filter((_, place) => !takenBy.has(place));
}
