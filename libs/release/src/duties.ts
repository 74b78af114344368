import type { CommitIdentity, Person, PersonReference } from '@slipway/contracts';

/** What the sources say about who made a change; one for every release between the one that runs and this one. */
export interface Change {
  /** Authors, committers and co-authors of every commit. */
  readonly people: readonly CommitIdentity[];
  /** Null where the source cannot say who pushed: absent, not unmatched. */
  readonly pusher: CommitIdentity | null;
  /** Who asked for it by command; known by name already. */
  readonly trigger: PersonReference | null;
}

/** What separation of duties needs to know of a person. */
export type Known = Pick<Person, 'id' | 'emails' | 'accounts'>;

/** Whose change it is. */
export interface Involved {
  /** Ids of the people who do not count towards the sign-off. */
  readonly involved: ReadonlySet<string>;
  /** Identities that are nobody we know, each once: for each, one more distinct person must sign. */
  readonly unmatched: readonly CommitIdentity[];
}

/**
 * Whose change this is (design part 4, promise 11). An identity is matched by e-mail or account, whatever the case; what matches nobody fails
 * closed. Who shares an e-mail or account with somebody involved is involved too: a second account is no second person.
 */
export function involvedIn(changes: readonly Change[], people: readonly Known[]): Involved {
  const index = indexOf(people);
  const involved = new Set<string>();
  const unmatched = new Map<string, CommitIdentity>();
  for (const change of changes) {
    if (change.trigger) involved.add(change.trigger.id);
    for (const identity of change.pusher ? [...change.people, change.pusher] : change.people) {
      const found = namesOf(identity).flatMap((name) => index.get(name) ?? []);
      for (const id of found) involved.add(id);
      const key = namesOf(identity)[0] ?? `name:${folded(identity.name)}`;
      if (found.length === 0 && !unmatched.has(key)) unmatched.set(key, identity);
    }
  }
  const humans = humansOf(people);
  const guilty = new Set([...involved].map((id) => humans.get(id) ?? id));
  for (const person of people) if (guilty.has(humans.get(person.id) ?? person.id)) involved.add(person.id);
  return { involved, unmatched: [...unmatched.values()] };
}

/** Whether a commit's identity is this person. */
export function personMatches(identity: CommitIdentity, person: Known): boolean {
  const names = new Set(namesOfPerson(person));
  return namesOf(identity).some((name) => names.has(name));
}

/** Which human each account belongs to: accounts that share an e-mail or a name at the source, directly or in a chain, are one. */
export function humansOf(people: readonly Known[]): ReadonlyMap<string, string> {
  const leader = new Map(people.map((person) => [person.id, person.id]));
  const find = (id: string): string => {
    let at = id;
    for (let up = leader.get(at); up !== undefined && up !== at; up = leader.get(at)) at = up;
    return at;
  };
  for (const ids of indexOf(people).values()) {
    const roots = ids.map(find).sort();
    for (const root of roots) leader.set(root, roots[0] ?? root);
  }
  return new Map(people.map((person) => [person.id, find(person.id)]));
}

function indexOf(people: readonly Known[]): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const person of people) {
    for (const name of new Set(namesOfPerson(person))) index.set(name, [...(index.get(name) ?? []), person.id]);
  }
  return index;
}

function namesOfPerson(person: Known): string[] {
  return [...person.emails.flatMap(namesOfEmail), ...person.accounts.map((account) => `account:${folded(account)}`)].filter(
    (name) => !name.endsWith(':'),
  );
}

/** A free-text name matches nobody: anybody can write it. */
function namesOf(identity: CommitIdentity): string[] {
  const names = [...namesOfEmail(identity.email ?? ''), ...(identity.account ? [`account:${folded(identity.account)}`] : [])];
  return names.filter((name) => !name.endsWith(':'));
}

/** Forges hide addresses as `1234+ada@users.noreply.github.com`; the account in it is as good as the account itself. */
function namesOfEmail(email: string): string[] {
  const address = folded(email);
  const hidden = /^(?:\d+[+-])?([^@+]+)@users\.noreply\.[a-z0-9.-]+$/.exec(address)?.[1];
  return hidden ? [`email:${address}`, `account:${hidden}`] : [`email:${address}`];
}

function folded(text: string): string {
  return text.trim().normalize('NFKC').toLowerCase();
}
