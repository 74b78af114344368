import { createPublicKey, verify } from 'node:crypto';
import { ApprovalGranted, type GrantStatement, type Person, PersonChanged, SignOffAttestation, SignOffPosted } from '@slipway/contracts';
import { SignOffClaims } from '@slipway/identity';
import { type Facts, factsOf, type SaidOf } from './facts.ts';
import type { History } from './history.ts';

/** A grant that approval signed, with the event that carried it. */
export interface Grant {
  readonly event: SaidOf<typeof ApprovalGranted>;
  readonly statement: GrantStatement;
}

/** A yes or no whose proof holds. */
export interface SignOff {
  readonly event: SaidOf<typeof SignOffPosted>;
  readonly claims: Pick<SignOffAttestation, 'request' | 'asks' | 'decision' | 'person'>;
  readonly via: 'http' | 'key';
}

const grants = new WeakMap<History, ReadonlyMap<string, Grant>>();
const signOffs = new WeakMap<History, ReadonlyMap<string, SignOff>>();

/** Every grant whose envelope is approval's and whose bytes are what was asked for, by its id. */
export function grantsOf(history: History): ReadonlyMap<string, Grant> {
  const found = grants.get(history) ?? openGrants(factsOf(history));
  grants.set(history, found);
  return found;
}

function openGrants(facts: Facts): ReadonlyMap<string, Grant> {
  const found = facts.named(ApprovalGranted).flatMap((event): [string, Grant][] => {
    const proven = facts.signatures.grant(event.data.grant, event.ms);
    return proven.ok ? [[proven.content.grant, { event, statement: proven.content }]] : [];
  });
  return new Map(found);
}

/** Every sign-off that proves whose it is, by the id of the event that carried it. */
export function signOffsOf(history: History): ReadonlyMap<string, SignOff> {
  const found = signOffs.get(history) ?? openSignOffs(factsOf(history));
  signOffs.set(history, found);
  return found;
}

function openSignOffs(facts: Facts): ReadonlyMap<string, SignOff> {
  const people = facts.named(PersonChanged);
  const found = facts.named(SignOffPosted).flatMap((event): [string, SignOff][] => {
    const { proof } = event.data;
    if (proof.via === 'key') {
      const claims = claimsOf(proof.jws, keysOf(people, proof.keyId));
      return claims ? [[event.id, { event, claims, via: 'key' }]] : [];
    }
    const opened = facts.signatures.open(proof.attestation, {
      purpose: 'sign-off',
      service: 'gateway',
      // Of what no topic has any more nobody knows when a broker took it.
      at: Number.isFinite(event.at) ? event.at : event.ms,
    });
    const claims = opened.ok ? SignOffAttestation.safeParse(opened.content) : undefined;
    return claims?.success ? [[event.id, { event, claims: claims.data, via: 'http' }]] : [];
  });
  return new Map(found);
}

type Registered = { readonly person: string; readonly jwk: Person['keys'][number]['jwk'] };

function keysOf(people: readonly SaidOf<typeof PersonChanged>[], keyId: string): Registered | undefined {
  for (const { data } of people) {
    const key = data.person.keys.find(({ id }) => id === keyId);
    if (key) return { person: data.person.id, jwk: key.jwk };
  }
  return undefined;
}

/** What a compact JWS says, where the registered key of the person it names has signed it (RFC 7515, 8037). */
function claimsOf(jws: string, key: Registered | undefined): SignOffClaims | undefined {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  try {
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: string };
    if (!key || alg !== 'EdDSA') return undefined;
    const isSigned = verify(
      null,
      Buffer.from(`${header}.${payload}`),
      createPublicKey({ key: key.jwk, format: 'jwk' }),
      Buffer.from(signature, 'base64url'),
    );
    const claims = SignOffClaims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return isSigned && claims.success && claims.data.person === key.person ? claims.data : undefined;
  } catch {
    return undefined;
  }
}

/** Every person as they were at a moment, by id: of each the newest version said by then. */
export function peopleAt(facts: Facts, ms: number): ReadonlyMap<string, Person> {
  const newest = new Map<string, { version: number; person: Person }>();
  for (const { data, ms: said } of facts.named(PersonChanged)) {
    const { person, version } = data;
    if (said <= ms && version > (newest.get(person.id)?.version ?? 0)) newest.set(person.id, { version, person });
  }
  return new Map([...newest].map(([id, { person }]) => [id, person]));
}
