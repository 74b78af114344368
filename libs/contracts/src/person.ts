import { z } from 'zod';
import { Id, Name, Role, Time } from './nouns.js';

/** A role somebody holds in one project, or in all (`*`). */
export const RoleGrant = z.object({ role: Role, project: z.union([Name, z.literal('*')]) });
export type RoleGrant = z.infer<typeof RoleGrant>;

/** A public key a person registered for sign-offs: an Ed25519 JWK; the private half never leaves them. */
export const PersonKey = z.object({
  id: z.string().min(8).max(100),
  jwk: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().max(100) }),
  addedAt: Time,
  revokedAt: Time.nullable(),
});
export type PersonKey = z.infer<typeof PersonKey>;

/** Somebody Slipway knows: how sources and forges call them, what they may do, and the keys they sign with. */
export const Person = z.object({
  id: Id,
  name: z.string().min(1).max(200),
  emails: z.array(z.email().max(300)).max(20),
  /** Names at the source: Subversion users, forge accounts. */
  accounts: z.array(z.string().min(1).max(200)).max(20),
  roles: z.array(RoleGrant).max(200),
  keys: z.array(PersonKey).max(20),
  language: z.enum(['en', 'zh']).default('en'),
  active: z.boolean(),
});
export type Person = z.infer<typeof Person>;
