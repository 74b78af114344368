import { describe, expect, it } from 'vitest';
import { faultsOfPackages, type Package, readPackages } from './packages.ts';

function aPackage(name: string, changes: Partial<Package> = {}): Package {
  const dependencies = changes.dependencies ?? [];
  return { name, room: 'libs', dependencies, outside: [], references: dependencies, imports: [], ...changes };
}

describe('the workspaces', () => {
  it.each<[string, Package[], RegExp]>([
    [
      'libs in a ring',
      [aPackage('a', { dependencies: ['b'] }), aPackage('b', { dependencies: ['c'] }), aPackage('c', { dependencies: ['a'] })],
      /ring: a → b → c → a/,
    ],
    [
      'a lib that depends on an app',
      [aPackage('a', { dependencies: ['gateway'] }), aPackage('gateway', { room: 'apps' })],
      /depends on the app gateway/,
    ],
    [
      'an app that depends on an app',
      [aPackage('cli', { room: 'apps', dependencies: ['gateway'] }), aPackage('gateway', { room: 'apps' })],
      /depends on the app gateway/,
    ],
    [
      'an import of ours that is not declared',
      [aPackage('a', { imports: ['@slipway/b'] }), aPackage('b')],
      /imports @slipway\/b, which its package\.json does not name/,
    ],
    ['an import of others that is not declared', [aPackage('a', { imports: ['pg'] })], /imports pg, which/],
    ['a dependency without its reference', [aPackage('a', { dependencies: ['b'], references: [] }), aPackage('b')], /no reference/],
  ])('are caught with %s', (_, packages, says) => {
    expect(faultsOfPackages(packages).join('\n')).toMatch(says);
  });

  it('may share a lib', () => {
    const packages = [aPackage('a', { dependencies: ['c'] }), aPackage('b', { dependencies: ['a', 'c'] }), aPackage('c')];
    expect(faultsOfPackages(packages)).toEqual([]);
  });

  it('fit together', async () => {
    const packages = await readPackages();
    expect(packages.find((one) => one.name === 'service-kit')?.imports).toContain('@slipway/messaging');
    expect(faultsOfPackages(packages)).toEqual([]);
  });
});
