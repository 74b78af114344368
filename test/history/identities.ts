import type { CommitIdentity, Person } from '@slipway/contracts';

/** Who somebody is, by every name a source may know them by: e-mail addresses and accounts, whatever their case; a free-text name is nobody's. */
export function namesOf(identity: Pick<CommitIdentity, 'email' | 'account'>): string[] {
  const email = identity.email === null ? [] : namesOfEmail(identity.email);
  return [...email, ...(identity.account ? [`account ${same(identity.account)}`] : [])];
}

function namesOfPerson({ emails, accounts }: Person): string[] {
  return [...emails.flatMap(namesOfEmail), ...accounts.map((account) => `account ${same(account)}`)];
}

/** Forges hide an address behind the account: `1234+ada@users.noreply.github.com`. */
function namesOfEmail(email: string): string[] {
  const address = same(email);
  if (address === '') return [];
  const account = /^(?:\d+[+-])?([^@+]+)@users\.noreply\.[a-z0-9.-]+$/.exec(address)?.[1];
  return [`email ${address}`, ...(account ? [`account ${account}`] : [])];
}

function same(text: string): string {
  return text.trim().normalize('NFKC').toLowerCase();
}

/** People of one moment: whom an identity is, and which accounts are one human being. */
export class Humans {
  readonly #byName = new Map<string, Set<string>>();
  readonly #human = new Map<string, string>();

  constructor(people: Iterable<Person>) {
    for (const person of people) {
      this.#human.set(person.id, person.id);
      for (const name of namesOfPerson(person)) this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(person.id));
    }
    // Whoever shares a name is one, also in a chain: each name makes one of all who have it.
    for (const ids of this.#byName.values()) {
      const all = new Set([...ids].map((id) => this.of(id)));
      const [one = ''] = [...all].sort();
      for (const [id, human] of this.#human) if (all.has(human)) this.#human.set(id, one);
    }
  }

  /** The human being behind an account. */
  of(person: string): string {
    return this.#human.get(person) ?? person;
  }

  /** Whom an identity is; empty where it matches nobody. */
  matching(identity: Pick<CommitIdentity, 'email' | 'account'>): string[] {
    return [...new Set(namesOf(identity).flatMap((name) => [...(this.#byName.get(name) ?? [])].map((id) => this.of(id))))];
  }
}
