import { createHash } from 'node:crypto';

/**
 * The schema and the role of a service: `slipway_production_rollout` (design part 4: one of each per service).
 * `prefix` lets two installations live in one Postgres server, where roles are shared by all databases.
 */
export function schemaOf(service: string, prefix = 'slipway'): string {
  return identifier(`${prefix}_${service.replaceAll('-', '_')}`);
}

/** A name that needs no quoting anywhere and is not cut off by Postgres; anything else is refused, because names are put into SQL as they are. */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new Error(`"${name}" can't be a name in Postgres here: use lower case letters, digits and _, 63 at most, no digit first`);
  }
  return name;
}

/** Advisory locks are numbers shared by the whole database, so a lock is the hash of its schema and key. A signed 64-bit number in decimal. */
export function advisoryNumber(schema: string, key: string): string {
  return createHash('sha256').update(`${schema}\0${key}`).digest().readBigInt64BE(0).toString();
}
