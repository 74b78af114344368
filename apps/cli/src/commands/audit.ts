import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTrustFile, type Trust } from '@slipway/identity';
import { ChainCheck, type Point, type Verified } from '../audit-chain.js';
import { gistOf } from '../audit-gist.js';
import { AuditMemory } from '../audit-memory.js';
import { type AuditExport, type Chain, chainsIn, chainsOf, installation, readExport } from '../audit-source.js';
import { type Cli, noun, verb, wholeNumber } from '../command-line.js';
import { type ExitCode, exitCodes, Misused } from '../exit.js';
import { writePrivate } from '../private-files.js';
import type { Session } from '../session.js';

interface VerifyOptions {
  project?: string;
  installation?: boolean;
  file?: string;
  against?: string;
  trustFile?: string;
}

/** `slipway audit …`. */
export function auditCommands(cli: Cli): void {
  const audit = noun(cli, 'audit', 'Who let what in, and when, in chains that show any change');
  verb(audit, 'show [project]', 'Show a chain; without a project the installation’s', [
    'audit show shop',
    'audit show --after 1200 --limit 50',
  ])
    .option('--after <sequence>', 'from the entry after this one', wholeNumber(0, 2 ** 31 - 1), 0)
    .option('-l, --limit <number>', 'how many at most', wholeNumber(1, 1000), 200)
    .action(cli.does(show));
  verb(audit, 'verify', 'Verify chains: every hash, every link, the signed head; all of them unless one is named', [
    'audit verify',
    'audit verify --project shop --trust-file trust.json',
    'audit verify --file audit.json --against last-year.json',
  ])
    .option('-p, --project <name>', 'only the chain of this project')
    .option('--installation', 'only the installation’s own chain')
    .option('--file <export>', 'chains of an export instead of the gateway’s')
    .option('--against <export>', 'an earlier export, which must be the beginning of these')
    .option('--trust-file <file>', 'whose signatures to believe (SLIPWAY_TRUST_FILE)')
    .action(cli.does(verify));
  verb(audit, 'export', 'Write chains with their signed heads to a file that verifies by itself', [
    'audit export -o audit.json',
    'audit export --project shop > shop-audit.json',
  ])
    .option('-p, --project <name>', 'only the chain of this project')
    .option('-o, --out <file>', 'where to; standard output unless given')
    .action(cli.does(write));
}

async function show(session: Session, { after, limit }: { after: number; limit: number }, project?: string) {
  const query = { after, limit, ...(project === undefined || project === installation ? {} : { project }) };
  const page = await (await session.api()).audit({ query });
  session.out.either(page, () => {
    session.out.table(
      ['#', 'AT', 'EVENT', 'BY', 'WHAT', 'HASH'],
      page.items.map(({ sequence, at, entry, hash }) => [String(sequence), at, ...gistOf(entry), hash.slice(0, 12)]),
      'there is nothing here',
    );
    const last = page.items.at(-1)?.sequence;
    if (last !== undefined && page.head !== null && last < page.head.sequence)
      session.out.note(`more: slipway audit show ${project ?? ''} --after ${last}`.replaceAll('  ', ' '));
  });
}

async function write(session: Session, { project, out: file }: { project?: string; out?: string }) {
  const { value: from } = await session.url();
  const chains: AuditExport['chains'] = [];
  for (const chain of await chainsOf(await session.api(), project, session.around.interrupted)) {
    const entries: AuditExport['chains'][number]['entries'] = [];
    let head: AuditExport['chains'][number]['head'] = null;
    for await (const page of chain.pages()) {
      entries.push(...page.items);
      head = page.head;
    }
    chains.push({ chain: chain.chain, entries, head });
  }
  const document: AuditExport = { kind: 'slipway-audit-export', version: 1, exportedAt: session.around.now().toISOString(), from, chains };
  if (file === undefined) {
    session.out.document(document);
    return;
  }
  await writePrivate(file, `${JSON.stringify(document, null, 2)}\n`);
  const counts = chains.map(({ chain, entries }) => ({ chain, entries: entries.length }));
  session.out.either({ file, chains: counts }, () =>
    session.out.line(`${counts.map(({ chain, entries }) => `${chain}: ${entries} entries`).join(', ')} in ${file}`),
  );
  session.out.note(`Verify it anywhere: slipway audit verify --file ${file} --trust-file trust.json`);
}

async function verify(session: Session, options: VerifyOptions): Promise<ExitCode> {
  if (options.project !== undefined && options.installation) throw new Misused('give either --project or --installation');
  const wanted = options.installation ? installation : options.project;
  const trust = await trustFor(session, options.trustFile);
  const memory = await AuditMemory.load(session.around);
  const { chains, from } = await chainsFor(session, options.file, wanted);
  const earlier = options.against === undefined ? undefined : await readExport(options.against);
  const verified: Verified[] = [];
  for (const chain of chains) {
    const points = [...memory.point(from, chain.chain), ...pointsIn(earlier, chain.chain)];
    verified.push(await verifyChain(chain, points, trust));
  }
  if (earlier && wanted === undefined) verified.push(...goneSince(earlier, chains));
  const good = verified.filter(({ findings }) => findings.length === 0);
  const heads = new Map(
    good.flatMap(({ chain, head }) =>
      head === null || trust === undefined ? [] : [[chain, { sequence: head.sequence, hash: head.hash }] as const],
    ),
  );
  if (heads.size > 0) await memory.remember(from, heads);
  session.out.either({ ok: good.length === verified.length, from, chains: verified }, () => tell(session, verified));
  return good.length === verified.length ? exitCodes.ok : exitCodes.failed;
}

async function chainsFor(
  session: Session,
  file: string | undefined,
  wanted: string | undefined,
): Promise<{ chains: Chain[]; from: string }> {
  if (file === undefined)
    return { chains: await chainsOf(await session.api(), wanted, session.around.interrupted), from: (await session.url()).value };
  const found = await readExport(file);
  const chains = chainsIn(found).filter(({ chain }) => wanted === undefined || chain === wanted);
  if (chains.length === 0) throw new Misused(`${file} has no chain ${wanted ?? ''}`);
  return { chains, from: found.from };
}

async function verifyChain({ chain, pages }: Chain, points: readonly Point[], trust: Trust | undefined): Promise<Verified> {
  const check = new ChainCheck(chain, points);
  let head = null;
  for await (const page of pages()) {
    check.take(page.items);
    head = page.head;
  }
  return check.finish(head, trust);
}

/** Every entry of an earlier export is a point the chain must still go through. */
function pointsIn(earlier: AuditExport | undefined, chain: string): Point[] {
  return earlier?.chains.find((each) => each.chain === chain)?.entries.map(({ sequence, hash }) => ({ sequence, hash })) ?? [];
}

function goneSince(earlier: AuditExport, chains: readonly Chain[]): Verified[] {
  const gone = earlier.chains.filter(({ chain, entries }) => entries.length > 0 && !chains.some((each) => each.chain === chain));
  return gone.map(({ chain }) => ({
    chain,
    entries: 0,
    head: null,
    signature: 'none',
    findings: [{ code: 'truncated', sequence: null, message: 'the whole chain was there earlier and is gone' }],
    warnings: [],
  }));
}

/** The named trust file, or the one of this machine's installation; undefined where there is none. */
async function trustFor({ around }: Session, named: string | undefined): Promise<Trust | undefined> {
  const file = named ?? around.env['SLIPWAY_TRUST_FILE'] ?? join(around.env['SLIPWAY_DATA_DIR'] || '.slipway', 'trust.json');
  const given = named !== undefined || around.env['SLIPWAY_TRUST_FILE'] !== undefined;
  if (
    !given &&
    !(await access(file).then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  return loadTrustFile(file).catch((error: Error) => {
    throw new Misused(error.message);
  });
}

function tell({ out }: Session, verified: readonly Verified[]): void {
  for (const { chain, entries, head, signature, findings, warnings } of verified) {
    if (findings.length === 0) {
      const until = head === null ? 'empty' : `${entries} entries, signed head ${head.hash.slice(0, 12)} of ${head.at}`;
      const proven = signature !== 'unchecked';
      out.line(`${proven ? out.paint('green', 'verified') : out.paint('yellow', 'unproven')}  ${chain}: ${until}`);
    } else out.line(`${out.paint('red', 'BROKEN')}    ${chain}: ${entries} entries`);
    for (const { code, message } of findings) out.line(`  ${code}: ${message}`);
    for (const warning of warnings) out.note(`  ${out.paintNote('yellow', 'note')}: ${warning}`);
  }
}
