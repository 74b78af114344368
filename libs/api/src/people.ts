import { Id, Person, PersonKey, RoleGrant, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineRoute } from './route.js';

const shape = Person.shape;
/** An address as mail knows it (RFC 5321, section 4.5.3.1): 64 characters before the @, 63 between dots after it, 254 in all. */
const Email = z
  .email({
    pattern:
      /^(?=[^@]{1,64}@)(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/,
  })
  .max(254);
const emails = z.array(Email).max(20);
const PersonDraft = z.strictObject({
  name: shape.name,
  emails: emails.default([]),
  accounts: shape.accounts.default([]),
  roles: z.array(RoleGrant).max(200).default([]),
  language: z.enum(['en', 'zh']).default('en'),
});
const PersonChange = z
  .strictObject({
    name: shape.name,
    emails,
    accounts: shape.accounts,
    roles: z.array(RoleGrant).max(200),
    language: z.enum(['en', 'zh']),
    active: z.boolean(),
  })
  .partial();

/** A bearer token, shown once. */
const FreshToken = z.object({ id: Id, token: z.string(), expiresAt: Time.nullable() });
export const TokenSummary = z.object({
  id: Id,
  name: z.string(),
  createdAt: Time,
  expiresAt: Time.nullable(),
  lastUsedAt: Time.nullable(),
});

export const peopleRoutes = {
  redeem: defineRoute({
    method: 'POST',
    path: '/api/v1/invitations/redeem',
    summary: 'Turn a one-time code, the first administrator’s or an invitation, into a token',
    permission: 'anyone',
    body: z.strictObject({ code: z.string().min(16).max(200), name: shape.name.optional(), email: Email.optional() }),
    answer: z.object({ person: Person, token: z.string() }),
  }),
  me: defineRoute({ method: 'GET', path: '/api/v1/me', summary: 'Who you are to Slipway', permission: 'signed-in', answer: Person }),
  listPeople: defineRoute({
    method: 'GET',
    path: '/api/v1/people',
    summary: 'List people',
    permission: 'signed-in',
    answer: z.object({ items: z.array(Person) }),
  }),
  addPerson: defineRoute({
    method: 'POST',
    path: '/api/v1/people',
    summary: 'Add a person',
    permission: 'people.manage',
    body: PersonDraft,
    answer: z.object({ person: Person, invitation: z.object({ code: z.string(), expiresAt: Time }) }),
  }),
  changePerson: defineRoute({
    method: 'PATCH',
    path: '/api/v1/people/{id}',
    summary: 'Change a person: roles, addresses, whether they are active',
    permission: 'people.manage',
    params: z.strictObject({ id: Id }),
    body: PersonChange,
    answer: Person,
  }),
  invite: defineRoute({
    method: 'POST',
    path: '/api/v1/people/{id}/invitation',
    summary: 'Make a new one-time code for a person',
    permission: 'people.manage',
    params: z.strictObject({ id: Id }),
    answer: z.object({ code: z.string(), expiresAt: Time }),
  }),
  listKeys: defineRoute({
    method: 'GET',
    path: '/api/v1/keys',
    summary: 'Your signing keys',
    permission: 'signed-in',
    answer: z.object({ items: z.array(PersonKey) }),
  }),
  addKey: defineRoute({
    method: 'POST',
    path: '/api/v1/keys',
    summary: 'Register the public half of a signing key',
    permission: 'signed-in',
    // Strict: a private half that came along is refused, not dropped in silence.
    body: z.strictObject({ jwk: z.strictObject({ ...PersonKey.shape.jwk.shape, kid: z.string().max(100).optional() }) }),
    answer: PersonKey,
  }),
  revokeKey: defineRoute({
    method: 'DELETE',
    path: '/api/v1/keys/{id}',
    summary: 'Revoke a signing key',
    permission: 'signed-in',
    params: z.strictObject({ id: z.string().max(100) }),
    answer: PersonKey,
  }),
  listTokens: defineRoute({
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'Your tokens',
    permission: 'signed-in',
    answer: z.object({ items: z.array(TokenSummary) }),
  }),
  addToken: defineRoute({
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Make a token; it is shown once',
    permission: 'signed-in',
    body: z.strictObject({ name: z.string().min(1).max(100), days: z.int().min(1).max(365).nullable().default(90) }),
    answer: FreshToken,
  }),
  revokeToken: defineRoute({
    method: 'DELETE',
    path: '/api/v1/tokens/{id}',
    summary: 'Revoke a token',
    permission: 'signed-in',
    params: z.strictObject({ id: Id }),
    answer: TokenSummary,
  }),
};
