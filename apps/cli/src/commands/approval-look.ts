import { can } from '@slipway/identity';
import type { Approval } from '../asked.js';
import { nameOf } from '../references.js';
import type { Session } from '../session.js';
import { settled } from '../settling.js';

/**
 * Where another build took the place in test of the one that is asked about: offers, to who may do it, to deploy it there again for a look.
 * True when that was done instead of signing.
 */
export async function lookAgain(
  session: Session,
  { release, environment, inTest, deployAgain }: Approval,
  waitSeconds: number,
): Promise<boolean> {
  if (deployAgain === null || !session.interactive) return false;
  const api = await session.api();
  if (!can(await api.me({}), 'environment.hold', release.project)) return false;
  const name = nameOf(release);
  const instead = inTest === null ? '' : `, in place of ${nameOf(inTest.release)}`;
  if (!(await session.agrees(`Put ${name} into ${deployAgain.environment} again to look at it first${instead}?`))) return false;
  const params = { project: release.project, environment: deployAgain.environment };
  await settled(
    session,
    await api.deploy({ params, body: deployAgain.call.body }),
    waitSeconds,
    `${name} goes to ${deployAgain.environment}`,
  );
  session.out.note(`Nothing is signed yet. When it runs there: slipway approve ${name} ${environment}`);
  return true;
}
