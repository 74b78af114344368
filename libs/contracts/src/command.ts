import { z } from 'zod';
import { Id, Name, Time } from './nouns.js';
import { Service } from './services.js';

const onEnvironment = { project: Name, environment: Name };

/** What a person may ask of a service. Each kind has the one service that owns it; see {@link commandOwner}. */
export const CommandAction = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('source.refresh'), project: Name }),
  z.object({ kind: z.literal('release.retry'), release: Id }),
  z.object({ kind: z.literal('release.cancel'), release: Id }),
  z.object({ kind: z.literal('release.withdraw'), release: Id }),
  /** Asks for the sign-off anew, after a rejection, an expiry or a rollback. */
  z.object({ kind: z.literal('approval.ask'), release: Id, environment: Name }),
  /** Puts a release back into a test environment from which a newer one drove it out. */
  z.object({ kind: z.literal('environment.deploy'), ...onEnvironment, release: Id }),
  z.object({ kind: z.literal('environment.hold'), ...onEnvironment, until: Time.nullable() }),
  z.object({ kind: z.literal('environment.unhold'), ...onEnvironment }),
  /** `instances: null` resets to what the project file says. */
  z.object({ kind: z.literal('environment.scale'), ...onEnvironment, instances: z.int().min(0).max(500).nullable() }),
  /** To the last good release, or to the number given. */
  z.object({ kind: z.literal('environment.rollback'), ...onEnvironment, to: z.int().positive().nullable() }),
  z.object({ kind: z.literal('dead-letter.replay'), service: Service, id: z.string().max(100) }),
  z.object({ kind: z.literal('dead-letter.discard'), service: Service, id: z.string().max(100) }),
  /** Folds the gateway's ledger anew from the journal. */
  z.object({ kind: z.literal('ledger.rebuild') }),
  /** Compares the ledger with the journal and changes nothing. */
  z.object({ kind: z.literal('ledger.check') }),
]);
export type CommandAction = z.infer<typeof CommandAction>;
export type CommandKind = CommandAction['kind'];
