import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Tx } from '@slipway/postgres';
import { AuditLog, type AuditRecord, type ChainHead, type SealedChain } from '../ports.js';

/** Entries linked in one go, at most: a bound for the transaction, not for the chain. */
const batch = 200;
/** Bytes of an entry that still fit into an event with its place in the chain; what is larger is kept as its digest, never in the way of the rest. */
const largest = 850_000;

/** {@link AuditLog} in approval's own tables. */
@Injectable()
export class PostgresAuditLog extends AuditLog {
  async record(tx: Tx, { event, chain, at, entry }: AuditRecord): Promise<void> {
    await tx.query('insert into audit_pending (event, chain, at, entry) values ($1, $2, $3, $4) on conflict (event) do nothing', [
      event,
      chain,
      at,
      asText(entry),
    ]);
  }

  async link(tx: Tx, seal: (chain: string, entries: readonly AuditRecord[]) => Promise<SealedChain>): Promise<number> {
    const rows = await tx.query<{ id: string; event: string; chain: string; at: Date; entry: Record<string, unknown> }>(
      'select id, event, chain, at, entry from audit_pending order by id limit $1 for update',
      [batch],
    );
    const chains = Map.groupBy(rows, (row) => row.chain);
    for (const [chain, entries] of chains) {
      await this.append(
        tx,
        chain,
        await seal(
          chain,
          entries.map((row) => ({ event: row.event, chain, at: row.at.toISOString(), entry: row.entry })),
        ),
      );
    }
    await tx.query('delete from audit_pending where id = any($1::bigint[])', [rows.map((row) => row.id)]);
    return rows.length;
  }

  async head(tx: Tx, chain: string): Promise<ChainHead | undefined> {
    return (await tx.query<ChainHead>('select sequence, hash from audit_head where chain = $1 for update', [chain]))[0];
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
      `insert into audit_head (chain, sequence, hash, at, envelope) values ($1, $2, $3, $4, $5)
       on conflict (chain) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at, envelope = excluded.envelope`,
      [chain, head.sequence, head.hash, head.at, JSON.stringify(head.envelope)],
    );
  }
}

function asText(entry: Record<string, unknown>): string {
  const text = JSON.stringify(entry);
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes <= largest) return text;
  return JSON.stringify({ event: entry['event'], bytes, sha256: createHash('sha256').update(text, 'utf8').digest('hex') });
}
