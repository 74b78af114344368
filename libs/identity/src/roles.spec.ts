import { Permission, Role } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { can, permissionsOf, rolesIn } from './roles.js';

const as = (role: Role, project = 'shop') => ({ roles: [{ role, project }] });

describe('what a role may do', () => {
  it.each([
    ['developer', 'approval.sign-off', true],
    ['developer', 'environment.rollback', false],
    ['tester', 'environment.hold', true],
    ['tester', 'environment.scale', false],
    ['operator', 'environment.scale', true],
    ['operator', 'project.apply', false],
    ['administrator', 'project.apply', true],
    ['auditor', 'audit.read', true],
    ['auditor', 'approval.sign-off', false],
    ['auditor', 'approval.ask', false],
    ['tester', 'release.withdraw', true],
    ['developer', 'release.withdraw', false],
  ] as const)('%s, %s: %s', (role, permission, allowed) => {
    expect(can(as(role), permission, 'shop')).toBe(allowed);
  });

  it('ends at the project it was granted for, unless that is every one', () => {
    expect(can(as('operator', 'shop'), 'environment.scale', 'bank')).toBe(false);
    expect(can(as('operator', '*'), 'environment.scale', 'bank')).toBe(true);
    expect(
      rolesIn(
        {
          roles: [
            { role: 'tester', project: '*' },
            { role: 'tester', project: 'shop' },
            { role: 'operator', project: 'bank' },
          ],
        },
        'shop',
      ),
    ).toEqual(['tester']);
  });

  it('reaches targets and people only when granted everywhere', () => {
    expect(can(as('administrator', 'shop'), 'people.manage', 'shop')).toBe(false);
    expect(can(as('administrator', '*'), 'people.manage', '*')).toBe(true);
    expect(can(as('operator', 'shop'), 'target.apply', '*')).toBe(false);
  });

  it('is nothing for a person who has left, or has no role', () => {
    expect(can({ ...as('administrator', '*'), active: false }, 'release.read', 'shop')).toBe(false);
    expect(can({ roles: [] }, 'release.read', 'shop')).toBe(false);
  });

  it('never shrinks when a role is added, and a tenant never acts in another project', () => {
    const grant = fc.record({ role: fc.constantFrom(...Role.options), project: fc.constantFrom('*', 'shop', 'bank') });
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 4 }), grant, fc.constantFrom(...Permission.options), (roles, more, permission) => {
        if (can({ roles }, permission, 'shop')) expect(can({ roles: [...roles, more] }, permission, 'shop')).toBe(true);
        expect(can({ roles: roles.filter((each) => each.project === 'bank') }, permission, 'shop')).toBe(false);
      }),
    );
  });

  it('lets an auditor change nothing', () => {
    expect(permissionsOf.auditor.filter((permission) => !permission.endsWith('.read'))).toEqual([]);
  });
});
