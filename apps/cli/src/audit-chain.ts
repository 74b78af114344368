import type { AuditEntry, AuditHead } from '@slipway/api';
import { auditGenesis, DsseEnvelope } from '@slipway/contracts';
import { digestOf, payloadTypes, type Trust } from '@slipway/identity';
import { z } from 'zod';

export type Entry = z.infer<typeof AuditEntry>;
export type Head = z.infer<typeof AuditHead>;

/** What is wrong with a chain. `rewritten` is the one word for an entry, or a history, that is not the one that was recorded. */
export interface Finding {
  readonly code: 'rewritten' | 'gap' | 'truncated' | 'unsigned' | 'bad-head' | 'other-chain' | 'malformed';
  readonly sequence: number | null;
  readonly message: string;
}

/** How a chain stands. Without findings it is as it was recorded, up to the signed head. */
export interface Verified {
  readonly chain: string;
  readonly entries: number;
  readonly head: { readonly sequence: number; readonly hash: string; readonly at: string } | null;
  /** Whether the signature of the head was looked at; without it a whole chain could be another. */
  readonly signature: 'checked' | 'unchecked' | 'none';
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

/** A point of a chain that somebody saw earlier, and that it must still go through. */
export interface Point {
  readonly sequence: number;
  readonly hash: string;
}

/** More findings than this on one chain tell nothing new. */
const mostFindings = 50;
const SignedHead = z.object({ chain: z.string(), sequence: z.int(), hash: z.string(), at: z.iso.datetime() });

/** The hash a link must have: SHA-256 of the canonical JSON of its other fields (contracts, AuditLink). */
export function hashOf({ chain, sequence, at, event, entry, previous }: Omit<Entry, 'hash'>): string {
  return digestOf({ chain, sequence, at, event, entry, previous });
}

/** Verifies a chain, page after page: each hash anew, each link to the one before, the signed head, and the points seen earlier. */
export class ChainCheck {
  private readonly findings: Finding[] = [];
  private readonly seen = new Map<number, string>();
  private last: Point = { sequence: 0, hash: auditGenesis };
  private entries = 0;

  constructor(
    private readonly chain: string,
    private readonly points: readonly Point[] = [],
  ) {}

  /** The next entries, in the order of the chain. */
  take(entries: readonly Entry[]): void {
    for (const entry of entries) this.link(entry);
  }

  /** What it comes to, with the signed head and who may sign one. Without a trust file the signature stays unchecked, and that is said. */
  finish(head: Head | null, trust: Trust | undefined): Verified {
    const warnings: string[] = [];
    const signed = head === null ? undefined : this.signedHead(head, trust, warnings);
    if (signed) this.compare(signed);
    if (head === null && this.entries > 0)
      this.find('unsigned', null, 'there is no signed head, so nothing shows whether the end is missing');
    for (const point of this.points) this.passes(point, 'was seen here earlier');
    const signature = !signed ? 'none' : trust ? 'checked' : 'unchecked';
    return { chain: this.chain, entries: this.entries, head: signed ?? null, signature, findings: this.findings, warnings };
  }

  private link(entry: Entry): void {
    const { sequence, previous, hash, chain } = entry;
    this.entries += 1;
    if (chain !== this.chain) this.find('other-chain', sequence, `entry ${sequence} is of chain ${chain}`);
    if (sequence > this.last.sequence + 1)
      this.find('gap', sequence, `${missing(this.last.sequence + 1, sequence - 1)} missing before entry ${sequence}`);
    else if (sequence <= this.last.sequence) this.find('rewritten', sequence, `entry ${sequence} comes after entry ${this.last.sequence}`);
    else if (previous !== this.last.hash)
      this.find(
        'rewritten',
        sequence,
        `entry ${sequence} does not hang on entry ${this.last.sequence} as it is now: one of them was changed`,
      );
    if (hashed(entry) !== hash)
      this.find('rewritten', sequence, `entry ${sequence} (${entry.at}) is not what its hash was made of: it was changed`);
    this.seen.set(sequence, hash);
    this.last = { sequence, hash };
  }

  private signedHead(head: Head, trust: Trust | undefined, warnings: string[]): Verified['head'] | undefined {
    const envelope = DsseEnvelope.safeParse(head.envelope);
    if (!envelope.success) return this.find('bad-head', head.sequence, 'the head has no signature');
    const { payloadType, payload, signatures } = envelope.data;
    const bytes = Buffer.from(payload, 'base64');
    const said = SignedHead.safeParse(parsed(bytes.toString('utf8')));
    if (payloadType !== payloadTypes['audit-head'] || !said.success)
      return this.find('bad-head', head.sequence, 'what is signed is no head of a chain');
    if (said.data.chain !== this.chain) return this.find('bad-head', head.sequence, `the head is of chain ${said.data.chain}`);
    if (trust === undefined)
      warnings.push('no trust file is here, so the signature of the head was not checked: name one with --trust-file');
    else {
      const verified = trust.verify(payloadType, bytes, signatures, { service: 'approval' });
      // A chain that rests for long keeps the head of a key that was rotated since; its own time is only a hint, and so is this.
      const then = verified.ok
        ? verified
        : trust.verify(payloadType, bytes, signatures, { service: 'approval', at: new Date(said.data.at) });
      if (!then.ok) return this.find('bad-head', head.sequence, `the signature of the head is not to be believed: ${then.reason}`);
      if (!verified.ok) warnings.push(`the head was signed at ${said.data.at} by key ${then.keyId}, which has ended since`);
    }
    return said.data;
  }

  private compare(head: Point): void {
    this.passes(head, 'is signed as the head');
    if (this.last.sequence > head.sequence)
      this.find('unsigned', head.sequence + 1, `${missing(head.sequence + 1, this.last.sequence)} not covered by the signed head`);
  }

  private passes({ sequence, hash }: Point, why: string): void {
    if (sequence > this.last.sequence)
      this.find('truncated', sequence, `the chain ends at entry ${this.last.sequence}, but entry ${sequence} ${why}: the end was cut off`);
    else if (sequence > 0 && this.seen.has(sequence) && this.seen.get(sequence) !== hash)
      this.find('rewritten', sequence, `entry ${sequence} is another than the one that ${why}`);
  }

  private find(code: Finding['code'], sequence: number | null, message: string): undefined {
    if (this.findings.length < mostFindings) this.findings.push({ code, sequence, message });
  }
}

function missing(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`;
}

/** Undefined where it has no canonical form, as then nothing can have been hashed. */
function hashed(entry: Entry): string | undefined {
  try {
    return hashOf(entry);
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
