import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RowSeals, sealedColumns } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { AuditLog, type AuditRecord, type ChainHead, type Linked, linkedAtOnce, type SealedChain } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';

/** Bytes of an entry that still fit into an event with its place in the chain; what is larger is kept as its digest, never in the way of the rest. */
const largest = 850_000;
/** Every escape of a JSON text; caught are those of what neither jsonb nor RFC 8785 takes: NUL, and half of a character. Containers print such. */
const escapes = /\\(?:(u0000|ud[0-9a-f]{3})|.)/g;

interface Pending {
  readonly id: string;
  readonly event: string;
  readonly chain: string;
  readonly at: Date;
  readonly entry: Record<string, unknown>;
}

/** {@link AuditLog} in approval's own tables: what waits to be linked is sealed, or whoever writes there could have approval sign what never was. */
@Injectable()
export class PostgresAuditLog extends AuditLog {
  constructor(private readonly seals: RowSeals) {
    super();
  }

  async record(tx: Tx, { event, chain, at, entry }: AuditRecord): Promise<void> {
    const kept = shortened(entry);
    const row = { event, chain, at: new Date(at), entry: kept.entry };
    await tx.query('insert into audit_pending (event, chain, at, entry, seal) values ($1, $2, $3, $4, $5) on conflict (event) do nothing', [
      event,
      chain,
      row.at,
      kept.text,
      this.seals.of('audit_pending', row),
    ]);
  }

  async link(tx: Tx, seal: Parameters<AuditLog['link']>[1]): Promise<Linked> {
    const { found, heads, waiting } = await this.next(tx);
    const rows = this.seals.those('audit_pending', found);
    if (rows.length < found.length) await this.setAside(tx, found, rows);
    for (const [chain, pending] of Map.groupBy(rows, (row) => row.chain)) {
      const entries = pending.map((row) => ({ event: row.event, chain, at: row.at.toISOString(), entry: row.entry }));
      await this.append(tx, chain, await seal(chain, heads.get(chain), entries));
    }
    await tx.query('delete from audit_pending where id = any($1::bigint[])', [rows.map((row) => row.id)]);
    return { entries: found.length, waiting };
  }

  /** The oldest entries of the chains that can go on, and their heads. */
  private async next(tx: Tx): Promise<{ found: Pending[]; heads: Map<string, ChainHead>; waiting: string[] }> {
    const waiting: string[] = [];
    for (;;) {
      const found = await tx.query<Pending>(
        `select id, ${sealedColumns(sealedTables, 'audit_pending')} from audit_pending
         where refused_at is null and chain <> all($2::text[]) order by id limit $1 for update`,
        [linkedAtOnce, waiting],
      );
      const { heads, broken } = await this.heads(tx, [...new Set(found.map(({ chain }) => chain))]);
      if (broken.length === 0) return { found, heads, waiting };
      waiting.push(...broken);
    }
  }

  /** The heads of these chains, locked; `broken` are those that are not believed, and those behind the last entry of their chain: gone, or put back. */
  private async heads(tx: Tx, chains: readonly string[]): Promise<{ heads: Map<string, ChainHead>; broken: string[] }> {
    const rows = await tx.query<ChainHead & { chain: string }>(
      `select ${sealedColumns(sealedTables, 'audit_head')} from audit_head where chain = any($1::text[]) order by chain for update`,
      [chains],
    );
    const heads = new Map(this.seals.those('audit_head', rows).map((head) => [head.chain, head]));
    const written = await tx.query<{ chain: string; last: number | null }>(
      `select chain, (select sequence from audit_entry where audit_entry.chain = asked.chain order by sequence desc limit 1) as last
       from unnest($1::text[]) as asked (chain)`,
      [chains],
    );
    const isBroken = new Set(rows.map(({ chain }) => chain).filter((chain) => !heads.has(chain)));
    for (const { chain, last } of written) if ((last ?? 0) > (heads.get(chain)?.sequence ?? 0)) isBroken.add(chain);
    return { heads, broken: [...isBroken] };
  }

  /** What is not believed is never linked, and stays for people to look at. */
  private async setAside(tx: Tx, found: readonly Pending[], rows: readonly Pending[]): Promise<void> {
    const refused = found.filter((row) => !rows.includes(row)).map(({ id }) => id);
    await tx.query('update audit_pending set refused_at = now() where id = any($1::bigint[])', [refused]);
  }

  private async append(tx: Tx, chain: string, { links, head }: SealedChain): Promise<void> {
    await tx.query(
      `insert into audit_entry (chain, sequence, at, entry, previous, hash)
       select $1, sequence, at, entry, previous, hash
       from unnest($2::int[], $3::timestamptz[], $4::jsonb[], $5::text[], $6::text[]) as link (sequence, at, entry, previous, hash)`,
      [
        chain,
        links.map((link) => link.sequence),
        links.map((link) => link.at),
        links.map((link) => JSON.stringify(link.entry)),
        links.map((link) => link.previous),
        links.map((link) => link.hash),
      ],
    );
    await tx.query(
      `insert into audit_head (chain, sequence, hash, at, envelope, seal) values ($1, $2, $3, $4, $5, $6)
       on conflict (chain) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at, envelope = excluded.envelope,
         seal = excluded.seal`,
      [
        ...[chain, head.sequence, head.hash, head.at, JSON.stringify(head.envelope)],
        this.seals.of('audit_head', { chain, sequence: head.sequence, hash: head.hash }),
      ],
    );
  }
}

/** What is kept of an entry, and as text. */
function shortened(entry: Record<string, unknown>): { entry: Record<string, unknown>; text: string } {
  const said = JSON.stringify(entry);
  const text = said.replace(escapes, (each, untakable) => (untakable === undefined ? each : '\\ufffd'));
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes <= largest) return { entry: text === said ? entry : (JSON.parse(text) as Record<string, unknown>), text };
  const digest = { event: entry['event'], bytes, sha256: createHash('sha256').update(text, 'utf8').digest('hex') };
  return { entry: digest, text: JSON.stringify(digest) };
}
