import { createHash } from 'node:crypto';
import {
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
  ApprovalVoided,
  type AuditLink,
  AuditLinked,
  auditGenesis,
  CommandIssued,
  EnvironmentHeld,
  EnvironmentUnheld,
  PersonChanged,
  ProjectApplied,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  SignOffAccepted,
  TargetApplied,
  TokenAdded,
  TokenRevoked,
} from '@slipway/contracts';
import { canonicalJson } from '@slipway/identity';
import { type Facts, factsOf, type Said, wordsOf } from './facts.ts';
import { heardAt } from './heard.ts';
import { Findings } from './tell.ts';
import { mustBeHeard, unreadBy } from './unread.ts';
import type { Examination } from './verdict.ts';

/**
 * 8. The audit chains verify: each link hangs on the one before by its hash, from the first on without a gap; approval's tables, Kafka and the gateway's
 * copy say the same; each portion's head is signed by approval; and every decision has its link.
 */
export const auditChains: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  const links = linksInKafka(facts, findings);
  const chains = Map.groupBy(links.values(), ({ chain }) => chain);
  for (const [chain, of] of chains) whole(chain, of, findings);
  inApproval(facts, links, findings);
  const unread = unreadBy(history, 'gateway');
  const late = facts.named(AuditLinked).filter((said) => !mustBeHeard(said, unread));
  inGateway(facts, links, new Set(late.flatMap(({ data }) => data.links.map(keyOf))), findings);
  decisions(facts, new Set([...links.values()].map(({ event }) => event)), findings);
  return findings.end(['links', 'rows of approval', 'rows of the gateway', 'decisions']);
};

const keyOf = ({ chain, sequence }: { chain: string; sequence: number }) => `${chain} ${sequence}`;

/** RFC 8785 and SHA-256 over all but the hash itself. */
function hashOf({ chain, sequence, at, event, entry, previous }: AuditLink): string {
  return createHash('sha256').update(canonicalJson({ chain, sequence, at, event, entry, previous })).digest('hex');
}

function linksInKafka(facts: Facts, findings: Findings): Map<string, AuditLink> {
  const links = new Map<string, AuditLink>();
  for (const { data, ...said } of facts.named(AuditLinked)) {
    findings.count('signed heads');
    const no = (what: string) => findings.breach(null, `chain ${data.chain}: ${what}`, [wordsOf(said)]);
    for (const link of data.links) {
      const before = links.get(keyOf(link));
      if (before && before.hash !== link.hash) no(`link ${link.sequence} was said as ${before.hash} and as ${link.hash}`);
      links.set(keyOf(link), before ?? link);
    }
    const opened = facts.signatures.open(data.head, { purpose: 'audit-head', service: 'approval', at: said.ms });
    const last = data.links.at(-1);
    if (!opened.ok) no(`its head is not signed by approval: ${opened.reason}`);
    else {
      const { chain, sequence, hash } = opened.content as Partial<AuditLink>;
      if (chain !== data.chain || sequence !== last?.sequence || hash !== last?.hash)
        no(`the signed head is of link ${sequence} of ${chain}, not of link ${last?.sequence}`);
    }
  }
  return links;
}

/** From 1 on, each on the one before. */
function whole(chain: string, of: readonly AuditLink[], findings: Findings): void {
  findings.count('chains');
  let [previous, expected] = [auditGenesis, 1];
  for (const link of of.toSorted((one, other) => one.sequence - other.sequence)) {
    findings.count('links');
    const no = (what: string) =>
      findings.breach(releaseOf(link), `chain ${chain}: ${what}`, [`link ${link.sequence} of event ${link.event}`]);
    if (link.sequence !== expected) no(`link ${expected} is missing before link ${link.sequence}`);
    else if (link.previous !== previous) no(`link ${link.sequence} does not hang on the one before it`);
    if (hashOf(link) !== link.hash) no(`link ${link.sequence} does not have the hash it claims`);
    previous = link.hash;
    expected = link.sequence + 1;
  }
}

function releaseOf({ entry }: AuditLink): string | null {
  const { release } = entry as { release?: { id?: string } | string };
  return (typeof release === 'string' ? release : release?.id) ?? null;
}

/** What approval keeps is what it said: rows and heads. */
function inApproval(facts: Facts, links: ReadonlyMap<string, AuditLink>, findings: Findings): void {
  if (!facts.has('approval', 'audit_entry')) return void findings.cannot('the tables of approval were not read');
  // Linked while everything was being read: it was not said yet where the topics were read.
  const meanwhile = new Set(facts.meanwhile.named(AuditLinked).flatMap(({ data }) => data.links.map(keyOf)));
  const rows = new Map(facts.rows('approval', 'audit_entry').map((row) => [`${String(row['chain'])} ${String(row['sequence'])}`, row]));
  findings.count('rows of approval', rows.size);
  for (const [key, row] of rows) {
    const link = links.get(key);
    if (!link && meanwhile.has(key)) continue;
    if (!link) findings.breach(null, `link ${key} is in approval's table and was never said`);
    else if (row['hash'] !== link.hash || row['previous'] !== link.previous || canonicalJson(row['entry']) !== canonicalJson(link.entry))
      findings.breach(releaseOf(link), `link ${key} in approval's table is not what was said`, [`event ${link.event}`]);
  }
  for (const [key, link] of links)
    if (!rows.has(key)) findings.breach(releaseOf(link), `link ${key} was said and is not in approval's table`, [`event ${link.event}`]);
  for (const { chain, sequence, hash, envelope, at } of facts.rows('approval', 'audit_head')) {
    const last = [...links.values()].filter((link) => link.chain === chain).reduce((most, link) => Math.max(most, link.sequence), 0);
    const opened = facts.signatures.open(envelope as never, { purpose: 'audit-head', service: 'approval', at: Date.parse(String(at)) });
    if (meanwhile.has(`${String(chain)} ${String(sequence)}`)) continue;
    if (sequence !== last || links.get(`${String(chain)} ${String(sequence)}`)?.hash !== hash)
      findings.breach(null, `chain ${String(chain)}: approval's head is link ${String(sequence)}, and ${last} were said`);
    if (!opened.ok) findings.breach(null, `chain ${String(chain)}: approval's head is not signed: ${opened.reason}`);
  }
  const pending = facts.rows('approval', 'audit_pending').length;
  if (pending > 0) findings.cannot(`${pending} entries wait for their link`);
}

/** The gateway keeps its own copy, so that whoever rewrites approval's is seen. */
function inGateway(facts: Facts, links: ReadonlyMap<string, AuditLink>, late: ReadonlySet<string>, findings: Findings): void {
  if (!facts.has('gateway', 'audit_link')) return void findings.cannot('the tables of the gateway were not read');
  const kept = new Map(facts.rows('gateway', 'audit_link').map(({ link }) => [keyOf(link as AuditLink), link as AuditLink]));
  findings.count('rows of the gateway', kept.size);
  for (const [key, link] of links) {
    const row = kept.get(key);
    if (!row && late.has(key)) continue;
    if (!row) findings.breach(releaseOf(link), `link ${key} was said and the gateway does not have it`, [`event ${link.event}`]);
    else if (row.hash !== link.hash || hashOf(row) !== row.hash)
      findings.breach(releaseOf(link), `link ${key} of the gateway is not what was said`, [`event ${link.event}`]);
  }
  for (const { chain, sequence, reason } of facts.rows('gateway', 'audit_conflict'))
    findings.breach(null, `chain ${String(chain)}: the gateway saw that link ${String(sequence)} does not fit: ${String(reason)}`);
}

const decided = [ApprovalExpired, ApprovalGranted, ApprovalRejected, ApprovalRequested, SignOffAccepted];
/** Decided by others, and recorded once approval hears of them. */
const heard = [
  ...[CommandIssued, EnvironmentHeld, EnvironmentUnheld, PersonChanged, ProjectApplied, TargetApplied, TokenAdded, TokenRevoked],
  ...[RolloutStarted, RolloutSucceeded, RolloutFailed, RolloutAborted, RolloutRolledBack],
];

function decisions(facts: Facts, linked: ReadonlySet<string>, findings: Findings): void {
  const asked = new Set(facts.named(ApprovalRequested).map(({ data }) => data.request));
  const ended = [...facts.named(ApprovalSuperseded), ...facts.named(ApprovalVoided)].filter(({ data }) => asked.has(data.request));
  const own: readonly Said[] = [...decided.flatMap((event): readonly Said[] => facts.named(event)), ...ended];
  const others = heard
    .flatMap((event): readonly Said[] => facts.named(event))
    .filter((said) => heardAt(facts, 'approval', said) !== undefined);
  for (const said of [...own, ...others]) {
    findings.count('decisions');
    if (!linked.has(said.id))
      findings.breach(said.correlation ?? null, `${said.name} of ${said.source} was decided and has no link in any chain`, [wordsOf(said)]);
  }
}
