import type { Permission, Role, RoleGrant } from '@slipway/contracts';

const reading = ['release.read'] as const;
const working = [
  ...reading,
  'release.retry',
  'release.cancel',
  'source.refresh',
  'approval.ask',
  'approval.sign-off',
  'environment.deploy',
  'target.read',
] as const;
const operating = [
  'release.withdraw',
  'environment.hold',
  'environment.scale',
  'environment.rollback',
  'target.apply',
  'dead-letters.read',
  'dead-letters.manage',
] as const;

/** What each role may do. An operator can't change the policy he works under; an auditor reads everything and does nothing. */
export const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  developer: working,
  tester: [...working, 'environment.hold', 'release.withdraw'],
  operator: [...working, ...operating],
  administrator: [...working, ...operating, 'project.apply', 'audit.read', 'people.read', 'people.manage', 'ledger.manage'],
  auditor: [...reading, 'target.read', 'audit.read', 'people.read', 'dead-letters.read'],
};

/** These are about no single project: a role in one project, even an administrator's, does not give them. */
const installationOnly: ReadonlySet<Permission> = new Set([
  'target.apply',
  'people.manage',
  'dead-letters.read',
  'dead-letters.manage',
  'ledger.manage',
]);

/** The roles a person has in a project, those granted everywhere included. */
export function rolesIn(person: { readonly roles: readonly RoleGrant[] }, project: string): Role[] {
  return [...new Set(person.roles.filter((grant) => grant.project === '*' || grant.project === project).map((grant) => grant.role))];
}

/**
 * Whether a person may do this in this project; `*` asks for the installation, which takes a role granted for `*`.
 * A person who is not active may do nothing.
 */
export function can(
  person: { readonly roles: readonly RoleGrant[]; readonly active?: boolean },
  permission: Permission,
  project: string,
): boolean {
  if (person.active === false) return false;
  const everywhere = project === '*' || installationOnly.has(permission);
  return rolesIn(person, everywhere ? '*' : project).some((role) => permissionsOf[role].includes(permission));
}
