import { readFile } from 'node:fs/promises';
import { until } from '../parts/until.ts';
import type { SuiteEnvironment } from './environment.ts';
import type { Suite } from './suite.ts';

/** The link the gateway's first start writes to its log. */
const link = /https?:\/\/\S+?[#?&](?:code|token)=([A-Za-z0-9_-]{16,})/;

/** The one-time link with which the first person becomes administrator; undefined where there is an administrator already. */
export async function administratorLink(suite: Suite): Promise<string | undefined> {
  const log = await readFile(suite.logOf('gateway'), 'utf8').catch(() => '');
  return link.exec(log)?.[0];
}

/** The code in that link, waited for. */
export function administratorCode(suite: Suite, environment: SuiteEnvironment, stillWorthIt: () => void): Promise<string> {
  const looked = async (): Promise<string | undefined> => link.exec(await readFile(suite.logOf('gateway'), 'utf8'))?.[1];
  return until(`the gateway at ${environment.gatewayUrl} prints its one-time administrator link`, looked, { within: 20_000, stillWorthIt });
}
