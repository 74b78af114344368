import { Injectable } from '@nestjs/common';
import {
  type Person,
  PersonChanged,
  PersonInvited,
  type PersonKey,
  type PersonReference,
  PersonSignedIn,
  TokenRevoked,
} from '@slipway/contracts';
import { hashToken, keyIdOf, newOneTimeLink, newToken, PersonPublicJwk } from '@slipway/identity';
import { Messaging, type UnitOfWork } from '@slipway/messaging';
import { v7 } from 'uuid';
import { ApiProblem } from './api-problem.js';
import { Credentials, People } from './ports.js';

const day = 24 * 3_600_000;
const invitationMs = 7 * day;
const firstTokenMs = 90 * day;

type Draft = Pick<Person, 'name' | 'emails' | 'accounts' | 'roles' | 'language'>;
type Change = Partial<Draft & Pick<Person, 'active'>>;

/** People: how they come in, what changes of them, the keys they sign with. Every change is told, and so is who comes in. */
@Injectable()
export class Membership {
  constructor(
    private readonly messaging: Messaging,
    private readonly people: People,
    private readonly credentials: Credentials,
  ) {}

  /** Uses a one-time code up: the first administrator's makes that person, an invitation lets its person in. */
  async redeem(said: { code: string; name?: string | undefined; email?: string | undefined }): Promise<{ person: Person; token: string }> {
    return this.messaging.transact(async (unit) => {
      const link = await this.credentials.useLink(unit.tx, hashToken(said.code));
      if (!link)
        throw new ApiProblem(401, 'This code is unknown, was used before, or its time is over; ask for a new one.', { code: 'bad-code' });
      const person =
        link.person === null ? await this.firstAdministrator(unit, said) : (await this.people.lock(unit.tx, link.person))?.person;
      if (!person?.active) throw new ApiProblem(401, 'This code is of somebody who is no longer active.', { code: 'bad-code' });
      const { secret, hash } = newToken();
      const expiresAt = new Date(unit.now.getTime() + firstTokenMs);
      const token = v7();
      await this.credentials.addToken(unit.tx, { id: token, hash, person: person.id, name: 'first sign-in', expiresAt });
      const came = link.person === null ? 'administrator-link' : 'invitation';
      const data = { person: referenceTo(person), with: came, token, expiresAt: expiresAt.toISOString() } as const;
      unit.publish(PersonSignedIn, { subject: person.id, data });
      return { person, token: secret };
    });
  }

  /** Adds somebody; gives the code they come in with. */
  async add(draft: Draft, by: PersonReference): Promise<{ person: Person; invitation: { code: string; expiresAt: string } }> {
    return this.messaging.transact(async (unit) => {
      const person: Person = { ...draft, id: v7(), keys: [], active: true };
      await this.save(unit, person, 1, by);
      return { person, invitation: await this.link(unit, person, by) };
    });
  }

  /** A new code for somebody; older ones end. */
  async invite(id: string, by: PersonReference): Promise<{ code: string; expiresAt: string }> {
    return this.messaging.transact(async (unit) => {
      const known = await this.people.lock(unit.tx, id);
      if (!known) throw ApiProblem.notFound('such person');
      if (!known.person.active)
        throw ApiProblem.refused({ code: 'person-inactive', message: `${known.person.name} is not active: make them active first` });
      await this.credentials.endLinks(unit.tx, id);
      return this.link(unit, known.person, by);
    });
  }

  /** Changes somebody. The last administrator of the installation stays one. */
  async change(id: string, change: Change, by: PersonReference): Promise<Person> {
    return this.messaging.transact(async (unit) => {
      const everybody = await this.people.lockAll(unit.tx);
      const known = await this.people.lock(unit.tx, id);
      if (!known) throw ApiProblem.notFound('such person');
      // As it is written there: an id in capitals finds the same row.
      const person: Person = { ...known.person, ...change };
      const left = everybody.some((each) => isAdministrator(each.id === person.id ? person : each));
      if (!left)
        throw ApiProblem.refused({
          code: 'last-administrator',
          message: 'somebody must stay administrator of all projects (*): name another one first',
        });
      await this.save(unit, person, known.version + 1, by);
      if (!person.active) {
        for (const { id: token, name } of await this.credentials.revokeAll(unit.tx, person.id))
          unit.publish(TokenRevoked, { subject: person.id, data: { person: referenceTo(person), token, name, by } });
        await this.credentials.endLinks(unit.tx, person.id);
      }
      return person;
    });
  }

  /** Registers the public half of somebody's own key. */
  async addKey(by: PersonReference, jwk: PersonKey['jwk']): Promise<PersonKey> {
    const checked = PersonPublicJwk.safeParse(jwk);
    if (!checked.success) {
      const errors = checked.error.issues.map((issue) => ({ field: ['jwk', ...issue.path].join('.'), message: issue.message }));
      throw new ApiProblem(400, 'This is no public Ed25519 key.', { errors });
    }
    const id = keyIdOf(checked.data);
    return this.messaging.transact(async (unit) => {
      const everybody = await this.people.lockAll(unit.tx);
      if (everybody.some((person) => person.keys.some((key) => key.id === id))) {
        throw ApiProblem.refused({ code: 'key-known', message: 'this key was registered before: make a new one' });
      }
      const { kty, crv, x } = checked.data;
      const key: PersonKey = { id, jwk: { kty, crv, x }, addedAt: unit.now.toISOString(), revokedAt: null };
      return this.changeKeys(unit, by, key, (keys) => {
        if (keys.length >= 20)
          throw ApiProblem.refused({ code: 'too-many-keys', message: 'a person has at most 20 keys, revoked ones included' });
        return [...keys, key];
      });
    });
  }

  async revokeKey(by: PersonReference, id: string): Promise<PersonKey> {
    return this.messaging.transact(async (unit) => {
      const key = (await this.people.lock(unit.tx, by.id))?.person.keys.find((each) => each.id === id);
      if (!key) throw ApiProblem.notFound('such key');
      if (key.revokedAt) return key;
      const revoked = { ...key, revokedAt: unit.now.toISOString() };
      return this.changeKeys(unit, by, revoked, (keys) => keys.map((each) => (each.id === id ? revoked : each)));
    });
  }

  private async changeKeys(
    unit: UnitOfWork,
    by: PersonReference,
    key: PersonKey,
    change: (keys: PersonKey[]) => PersonKey[],
  ): Promise<PersonKey> {
    const known = await this.people.lock(unit.tx, by.id);
    if (!known) throw ApiProblem.notFound('such person');
    await this.save(unit, { ...known.person, keys: change(known.person.keys) }, known.version + 1, by);
    return key;
  }

  private async firstAdministrator(unit: UnitOfWork, said: { name?: string | undefined; email?: string | undefined }): Promise<Person> {
    const person: Person = {
      id: v7(),
      name: said.name ?? 'Administrator',
      emails: said.email ? [said.email] : [],
      accounts: [],
      roles: [{ role: 'administrator', project: '*' }],
      keys: [],
      language: 'en',
      active: true,
    };
    await this.credentials.endLinks(unit.tx, null);
    await this.save(unit, person, 1, null);
    return person;
  }

  private async link(unit: UnitOfWork, person: Person, by: PersonReference): Promise<{ code: string; expiresAt: string }> {
    const { secret, hash, expiresAt: end } = newOneTimeLink(unit.now, invitationMs);
    const expiresAt = end.toISOString();
    await this.credentials.addLink(unit.tx, { hash, person: person.id, expiresAt: end });
    unit.publish(PersonInvited, { subject: person.id, data: { person: referenceTo(person), by, expiresAt } });
    return { code: secret, expiresAt };
  }

  private async save(unit: UnitOfWork, person: Person, version: number, by: PersonReference | null): Promise<void> {
    await this.people.save(unit.tx, person, version);
    unit.publish(PersonChanged, { subject: person.id, data: { person, version, by } });
  }
}

function referenceTo({ id, name }: Person): PersonReference {
  return { id, name };
}

function isAdministrator(person: Person): boolean {
  return person.active && person.roles.some(({ role, project }) => role === 'administrator' && project === '*');
}
