/**
 * What every service can inject. Classes are their own tokens (`Database`, `Messaging`, `Worker`, `Registry`);
 * what is only a type needs `@Inject(TOKEN)` and an `import type`.
 */

/** The validated settings: the base ones and those of the service; type `ConfigOf<typeof YourConfig>`. */
export const SERVICE_CONFIG = Symbol('slipway.service-config');
/** The service's own signing key (`ServiceKey` of identity). */
export const SERVICE_KEY = Symbol('slipway.service-key');
/** The pinned keys of the other services (`Trust` of identity). */
export const TRUST = Symbol('slipway.trust');
/** The service's pino logger (type `Logger`). */
export const LOGGER = Symbol('slipway.logger');
/** The name of the service that runs (`Service` of contracts). */
export const SERVICE_NAME = Symbol('slipway.service-name');
/** Random uuid of this process for this service: the owner of its leases. */
export const INSTANCE_ID = Symbol('slipway.instance-id');
/** An AbortSignal that fires when the service begins to stop: end long answers (server-sent events) and waits by it. */
export const SHUTDOWN = Symbol('slipway.shutdown');
