import { Injectable } from '@nestjs/common';
import type { Person } from '@slipway/contracts';
import { RowSeals, sealedColumns } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { type Bearer, Credentials, type TokenRow } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

const shown = 'id, name, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"';
const tokenColumns = 't.id, t.hash, t.person, t.expires_at, t.revoked_at, t.seal';
const good = `t.revoked_at is null and (t.expires_at is null or t.expires_at > now()) and (p.person ->> 'active')::boolean`;

/** A token and its person, each with its seal. */
interface Found {
  readonly id: string;
  readonly person: string;
  readonly version: number;
  readonly bearer: Person;
  readonly bearer_seal: string | null;
}

/** {@link Credentials} in Postgres: tokens, links and people are sealed, and let nobody in without their seals. */
@Injectable()
export class PostgresCredentials extends Credentials {
  constructor(
    private readonly database: Database,
    private readonly seals: RowSeals,
  ) {
    super();
  }

  async bearerOf(hash: string): Promise<Bearer | undefined> {
    const found = await this.database.query<Found & { stale: boolean }>(
      `select ${tokenColumns}, p.version, p.person as bearer, p.seal as bearer_seal,
         t.last_used_at is null or t.last_used_at < now() - interval '1 minute' as stale
       from token t join person p on p.id = t.person where t.hash = $1 and ${good}`,
      [hash],
    );
    const bearer = this.believed(found);
    if (bearer && found[0]?.stale) await this.database.query('update token set last_used_at = now() where id = $1', [bearer.token]);
    return bearer;
  }

  async stillGood(token: string): Promise<Bearer | undefined> {
    return this.believed(
      await this.database.query<Found>(
        `select ${tokenColumns}, p.version, p.person as bearer, p.seal as bearer_seal
         from token t join person p on p.id = t.person where t.id = $1 and ${good}`,
        [token],
      ),
    );
  }

  async addToken(tx: Tx, token: { id: string; hash: string; person: string; name: string; expiresAt: Date | null }): Promise<TokenRow> {
    const [row] = await tx.query<TokenRow>(
      `insert into token (id, hash, person, name, expires_at, seal) values ($1, $2, $3, $4, $5, $6) returning ${shown}`,
      [
        ...[token.id, token.hash, token.person, token.name, token.expiresAt],
        this.seals.of('token', { ...token, expires_at: token.expiresAt, revoked_at: null }),
      ],
    );
    return row as TokenRow;
  }

  async tokensOf(person: string): Promise<readonly TokenRow[]> {
    return this.database.query<TokenRow>(`select ${shown} from token where person = $1 and revoked_at is null order by id limit 500`, [
      person,
    ]);
  }

  async revoke(tx: Tx, person: string, token: string): Promise<TokenRow | undefined> {
    const [row] = await tx.query<TokenRow>(
      `update token set revoked_at = now(), seal = null where id = $1 and person = $2 and revoked_at is null returning ${shown}`,
      [token, person],
    );
    return row;
  }

  async revokeAll(tx: Tx, person: string): Promise<readonly TokenRow[]> {
    return tx.query<TokenRow>(
      `update token set revoked_at = now(), seal = null where person = $1 and revoked_at is null returning ${shown}`,
      [person],
    );
  }

  async addLink(tx: Tx, link: { hash: string; person: string | null; expiresAt: Date }): Promise<void> {
    await tx.query('insert into one_time_link (hash, person, expires_at, seal) values ($1, $2, $3, $4)', [
      link.hash,
      link.person,
      link.expiresAt,
      this.seals.of('one_time_link', { ...link, expires_at: link.expiresAt }),
    ]);
  }

  async useLink(tx: Tx, hash: string): Promise<{ person: string | null } | undefined> {
    const [row] = await tx.query<{ person: string | null }>(
      `update one_time_link set used_at = now() where hash = $1 and used_at is null and expires_at > now()
       returning ${sealedColumns(sealedTables, 'one_time_link')}`,
      [hash],
    );
    return this.seals.those('one_time_link', row ? [row] : [])[0];
  }

  async administratorLinks(tx: Tx): Promise<readonly { hash: string; createdAt: Date }[]> {
    return tx.query(
      'select hash, created_at as "createdAt" from one_time_link where person is null and used_at is null and expires_at > now() order by created_at',
    );
  }

  async endLinks(tx: Tx, person: string | null): Promise<void> {
    await tx.query('update one_time_link set used_at = now() where person is not distinct from $1 and used_at is null', [person]);
  }

  private believed(found: readonly Found[]): Bearer | undefined {
    const [token] = this.seals.those('token', found);
    const bearers = token ? [{ id: token.person, version: token.version, person: token.bearer, seal: token.bearer_seal }] : [];
    const [known] = this.seals.those('person', bearers);
    return token && known && { token: token.id, person: known.person };
  }
}
