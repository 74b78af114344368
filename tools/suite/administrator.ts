import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDir } from '../parts/data-dir.ts';
import { until } from '../parts/until.ts';

/** The one-time link with which the first person becomes administrator, as the gateway keeps it; undefined once somebody is there. */
export async function administratorLink(dataDir: DataDir): Promise<string | undefined> {
  const text = await readFile(join(dataDir.path, 'administrator-link'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** The code in that link, waited for. */
export function administratorCode(dataDir: DataDir, stillWorthIt: () => void): Promise<string> {
  const code = async (): Promise<string | undefined> => /#code=(\S+)/.exec((await administratorLink(dataDir)) ?? '')?.[1];
  return until('the gateway makes a one-time administrator link', code, { within: 20_000, stillWorthIt });
}
