import { isToken } from '@slipway/identity';
import type { Session } from '../session.js';
import { type Finding, failed, ok, skipped, warning } from './finding.js';

const oldestNode = [20, 19] as const;

/** This machine and the person's own settings. */
export async function checkSettings(session: Session): Promise<Finding[]> {
  return [checkNode(process.versions.node), await checkUrl(session), await checkToken(session), ...checkEnvironment(session)];
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fine = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return fine
    ? ok('node', `Node ${version}`)
    : failed('node', `Node ${version} is too old`, `install Node ${oldestNode.join('.')} or newer`);
}

async function checkUrl(session: Session): Promise<Finding> {
  try {
    const { value, from } = await session.url();
    const open = value.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(value);
    if (open)
      return warning(
        'address',
        `${value} (from ${from}) is not encrypted: the token can be read on the way`,
        'put TLS in front of the gateway and use https://',
      );
    return ok('address', `${value}, from ${from}`);
  } catch (error) {
    return failed('address', (error as Error).message, 'give --url, set SLIPWAY_URL, or log in: slipway login');
  }
}

async function checkToken(session: Session): Promise<Finding> {
  try {
    const token = await session.token();
    if (token === undefined) return failed('token file', 'there is no token for this gateway', 'log in: slipway login');
    if (!isToken(token.value)) return failed('token file', `what is in ${token.from} is no token`, 'log in again: slipway login');
    return ok('token file', `${token.from}, readable by you only`);
  } catch (error) {
    return failed('token file', (error as Error).message, 'see the message; or log in again: slipway login');
  }
}

function checkEnvironment({ around }: Session): Finding[] {
  if (around.env['SLIPWAY_TOKEN'] === undefined) return [];
  return [
    warning(
      'environment',
      'SLIPWAY_TOKEN is set; it is not read, and other programs can see it',
      'unset it, and name a file in SLIPWAY_TOKEN_FILE',
    ),
  ];
}

/** Says of checks that need an answer of the gateway why there are none. */
export const unasked = (checks: readonly string[]): Finding[] =>
  checks.map((check) => skipped(check, 'not looked at, as the gateway gave no answer'));
