import type { CommitIdentity, Person } from '@slipway/contracts';
import { personMatches } from '@slipway/release';
import type { Language } from './message.js';

/** Somebody to be told by mail. */
export interface Recipient {
  readonly address: string;
  readonly language: Language;
}

/** Addresses that forges make up and nobody reads. */
const unread = /@(users\.)?noreply\.|^no-?reply@/i;

/** The authors of a change, each once: as the people we know where they match, else by the address in the commit. */
export function authorsToTell(authors: readonly CommitIdentity[], people: readonly Person[]): Recipient[] {
  const found = authors.flatMap((author) => {
    const person = people.find((each) => each.active && personMatches(author, each));
    if (person) return recipient(person);
    return author.email && isAddress(author.email) && !unread.test(author.email)
      ? [{ address: author.email, language: 'en' as const }]
      : [];
  });
  return once(found);
}

/** People by id who can be told. */
export function peopleToTell(ids: readonly string[], people: readonly Person[]): Recipient[] {
  const wanted = new Set(ids);
  return once(people.filter((person) => person.active && wanted.has(person.id)).flatMap(recipient));
}

function recipient(person: Person): Recipient[] {
  const [address] = person.emails;
  return address === undefined ? [] : [{ address, language: person.language }];
}

/** What a commit calls an e-mail is whatever somebody typed: only what is one plain address is written to. */
function isAddress(text: string): boolean {
  return /^[^\s@<>,;:"()[\]\\]{1,64}@[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/i.test(text);
}

function once(recipients: readonly Recipient[]): Recipient[] {
  return [...new Map(recipients.map((each) => [each.address.toLowerCase(), each])).values()];
}
