import { readFile } from 'node:fs/promises';
import { type ApiClient, AuditEntry, AuditHead } from '@slipway/api';
import { z } from 'zod';
import type { Entry, Head } from './audit-chain.js';
import { Misused } from './exit.js';

/** The chain of the installation itself: people, targets, sign-ins. */
export const installation = 'installation';
const pageSize = 1000;
/** A head may be newer than the entries read a moment before it: those are asked for again before anybody speaks of a cut. */
const tries = 3;

/** A chain, page after page; the head is that of the last page. */
export interface Chain {
  readonly chain: string;
  pages(): AsyncIterable<{ readonly items: readonly Entry[]; readonly head: Head | null }>;
}

/** What `slipway audit export` writes: entries and signed heads, so that it verifies without any Slipway. */
export const AuditExport = z.object({
  kind: z.literal('slipway-audit-export'),
  version: z.literal(1),
  exportedAt: z.iso.datetime(),
  from: z.string(),
  chains: z.array(z.object({ chain: z.string(), entries: z.array(AuditEntry), head: AuditHead.nullable() })),
});
export type AuditExport = z.infer<typeof AuditExport>;

/** The chains of a gateway: the named one, or the installation's and every project's. */
export async function chainsOf(api: ApiClient, project: string | undefined, signal: AbortSignal): Promise<Chain[]> {
  const names = project === undefined ? [installation, ...(await api.listProjects({ signal })).items.map(({ name }) => name)] : [project];
  return names.map((chain) => ({ chain, pages: () => pagesOf(api, chain, signal) }));
}

async function* pagesOf(api: ApiClient, chain: string, signal: AbortSignal) {
  const of = chain === installation ? {} : { project: chain };
  let after = 0;
  let more = tries;
  for (;;) {
    const page = await api.audit({ query: { ...of, after, limit: pageSize }, signal });
    yield page;
    const last = page.items.at(-1)?.sequence ?? after;
    const behind = page.head !== null && page.head.sequence > last;
    if (page.items.length < pageSize && !(behind && more > 0)) return;
    // A full page that does not go on would be asked for for ever.
    if (page.items.length >= pageSize && last <= after) return;
    more -= behind && page.items.length < pageSize ? 1 : 0;
    after = last;
  }
}

/** The chains in an export. @throws Misused naming file and field. */
export async function readExport(file: string): Promise<AuditExport> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new Misused(`${file}: ${error.message}`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Misused(`${file} is no export: ${(error as Error).message}`);
  }
  const parsed = AuditExport.safeParse(json);
  if (!parsed.success) throw new Misused(`${file} is no export of audit chains:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The chains of an export, to be verified like those of a gateway. */
export function chainsIn({ chains }: AuditExport): Chain[] {
  return chains.map(({ chain, entries, head }) => ({
    chain,
    async *pages() {
      yield { items: entries, head };
    },
  }));
}
