import { z } from 'zod';
import type { CommandKind } from './command.js';

/** Everything a person can be allowed to do, as noun.verb. Which role may do what is identity's to say. */
export const Permission = z.enum([
  'release.read', // releases, their logs, environments, approvals, the event stream
  'release.retry',
  'release.cancel',
  'release.withdraw',
  'source.refresh',
  'approval.ask', // ask anew after a rejection, an expiry or a rollback
  'approval.sign-off', // which requirement it fills is the policy's question; this is only the door
  'environment.deploy', // put a release back into a test environment
  'environment.hold', // keep a test environment as it is, and let it go
  'environment.scale',
  'environment.rollback',
  'project.apply',
  'target.read',
  'target.apply',
  'audit.read',
  'people.read',
  'people.manage',
  'dead-letters.read',
  'dead-letters.manage',
  'ledger.manage', // compare the ledger with the journal, fold it anew
]);
export type Permission = z.infer<typeof Permission>;

/**
 * What each command takes, the one place that says so: the route that issues it asks for this at the door, and the role it is signed with allows it.
 * A new command does not compile until it is said here.
 */
export const permissionFor: Readonly<Record<CommandKind, Permission>> = {
  'source.refresh': 'source.refresh',
  'release.retry': 'release.retry',
  'release.cancel': 'release.cancel',
  'release.withdraw': 'release.withdraw',
  'approval.ask': 'approval.ask',
  'environment.deploy': 'environment.deploy',
  'environment.hold': 'environment.hold',
  'environment.unhold': 'environment.hold',
  'environment.scale': 'environment.scale',
  'environment.rollback': 'environment.rollback',
  'dead-letter.replay': 'dead-letters.manage',
  'dead-letter.discard': 'dead-letters.manage',
  'ledger.rebuild': 'ledger.manage',
  'ledger.check': 'ledger.manage',
};
