import type { Requirement, Role } from '@slipway/contracts';

/** Somebody who may fill requirements; accounts of one human are one entry. */
export interface Candidate {
  readonly person: string;
  readonly roles: readonly Role[];
}

/** How a policy wants its requirements filled. */
export interface Filling {
  readonly require: readonly Requirement[];
  /** One person fills one requirement only; false lets a person fill one of each. */
  readonly distinct: boolean;
  /** How many of the signers might turn out to be the change's own authors: the others must suffice without them. */
  readonly extra: number;
}

/** How many more people of a role must sign. */
export interface Missing {
  readonly role: Role;
  readonly count: number;
}

/** What each role needs in all. Two lines of one role add up, or where a person may fill several, the larger counts. */
function needs({ require, distinct }: Filling): Map<Role, number> {
  const needed = new Map<Role, number>();
  for (const { role, count } of require)
    needed.set(role, distinct ? (needed.get(role) ?? 0) + count : Math.max(needed.get(role) ?? 0, count));
  return needed;
}

/**
 * What still lacks, by role; empty when the signers suffice. A set of roles is filled when enough people hold any of them (Hall's theorem:
 * all sets filled, all requirements can be assigned at once), and stays so when any `extra` of them are taken away.
 */
export function missingFrom(filling: Filling, signers: readonly Candidate[]): Missing[] {
  const needed = [...needs(filling)];
  const missing = new Map<Role, number>();
  // Each set of roles is judged when its last role's turn comes; with five roles there are 31.
  for (const [index, [role]] of needed.entries()) {
    let lacks = 0;
    const sets = filling.distinct ? subsets(needed.slice(0, index)) : [[]];
    for (const others of sets) {
      const set = [...others, needed[index] as (typeof needed)[number]];
      const wanted = set.reduce((sum, [, count]) => sum + count, filling.extra);
      const have = signers.filter((signer) => set.some(([each]) => signer.roles.includes(each))).length;
      const promised = others.reduce((sum, [each]) => sum + (missing.get(each) ?? 0), 0);
      lacks = Math.max(lacks, wanted - have - promised);
    }
    if (lacks > 0) missing.set(role, lacks);
  }
  return [...missing].map(([role, count]) => ({ role, count }));
}

function subsets<T>(items: readonly T[]): T[][] {
  const sets: T[][] = [[]];
  for (const item of items) sets.push(...sets.map((set) => [...set, item]));
  return sets;
}

/** Who fills what. */
export interface Assigned {
  readonly person: string;
  readonly role: Role;
}

/**
 * The best assignment of signers to requirements: as many filled as can be, found by augmenting paths, so that somebody who is two things
 * never stands in the way of somebody who is one. Signers nothing is left for are not in it.
 */
export function assign(filling: Filling, signers: readonly Candidate[]): Assigned[] {
  const needed = needs(filling);
  if (!filling.distinct) {
    return [...needed].flatMap(([role, count]) =>
      signers
        .filter((signer) => signer.roles.includes(role))
        .slice(0, count)
        .map(({ person }) => ({ person, role })),
    );
  }
  const places = [...needed].flatMap(([role, count]) => Array.from({ length: count }, () => role));
  const takenBy: (Candidate | undefined)[] = places.map(() => undefined);
  const place = (signer: Candidate, tried: Set<number>): boolean =>
    places.some((role, at) => {
      if (tried.has(at) || !signer.roles.includes(role)) return false;
      tried.add(at);
      const holder = takenBy[at];
      if (holder && !place(holder, tried)) return false;
      takenBy[at] = signer;
      return true;
    });
  for (const signer of signers) place(signer, new Set());
  return takenBy.flatMap((signer, at) => (signer ? [{ person: signer.person, role: places[at] as Role }] : []));
}
