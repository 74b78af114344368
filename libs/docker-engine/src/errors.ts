/**
 * Why a call to the engine did not work. `transient` says whether the same call may work later: retry those,
 * report the others. `statusCode` is absent when no answer came.
 */
export abstract class EngineError extends Error {
  abstract readonly transient: boolean;

  constructor(
    message: string,
    readonly statusCode?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }

  /** Nothing of the call is under way any more: the engine answered, or was never asked. Of what a proxy answers in its place, or who hung up, that is not known. */
  get isOver(): boolean {
    if (this.statusCode !== undefined) return this.statusCode < 502 || this.statusCode > 504;
    const { cause } = this;
    const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
    return first === undefined || (first instanceof Error && 'syscall' in first && unsent.has(first.syscall));
  }
}

/** What was being done when no connection came about. */
const unsent = new Set<unknown>(['connect', 'getaddrinfo']);

/** No such container, image, network or volume (404). */
export class NotFound extends EngineError {
  readonly transient: boolean = false;
}

/** The name is taken, or the thing is in a state that forbids it (409). */
export class Conflict extends EngineError {
  readonly transient: boolean = false;
}

/** The engine understood and said no (400, 401, 403, 405, 406, 413 …). */
export class Refused extends EngineError {
  readonly transient: boolean = false;
}

/** The daemon is away, hangs, restarts or is broken inside (no connection, time-out, 5xx). */
export class Unavailable extends EngineError {
  readonly transient: boolean = true;
}

/** Nobody answered within the call's time limit. A kind of `Unavailable`. */
export class TimedOut extends Unavailable {}

/** The engine has no addresses left for another network, until one is removed or it is given more. A kind of `Unavailable`. */
export class AddressesExhausted extends Unavailable {}

/** The caller's signal ended the call. */
export class Cancelled extends EngineError {
  readonly transient: boolean = false;
}

/** A limit of ours was passed (context, log, copied file); `limit` names it. */
export class LimitExceeded extends EngineError {
  readonly transient: boolean = false;

  constructor(
    readonly limit: string,
    message: string,
  ) {
    super(message);
  }
}

/** The Dockerfile, or a command in it, said no: building the same thing again will say no again. */
export class BuildFailed extends EngineError {
  readonly transient: boolean = false;

  constructor(
    message: string,
    /** The step that failed, as the builder words it (`Step 3/7 : RUN make`). */
    readonly step: string | undefined,
    /** Exit code of the failing command, where it was one. */
    readonly exitCode: number | undefined,
  ) {
    super(message);
  }
}

/** A build context that is not as it must be; says what and where. The same revision will be refused again. */
export class ContextRefused extends EngineError {
  readonly transient: boolean = false;
}

/** Messages of the daemon that come as 500 and yet say "no" for good. */
const permanentMessages = [
  /no such image/i,
  /not found/i,
  /manifest unknown/i,
  /repository does not exist/i,
  /access denied|denied: /i,
  /unauthorized/i,
  /invalid reference format/i,
  /executable file not found/i,
  /permission denied/i,
  /no command specified/i,
  /is a directory/i,
  /not a directory/i,
  /exec format error/i,
  /OCI runtime create failed/i,
  /dockerfile parse error/i,
  /cannot locate specified dockerfile/i,
  /failed to parse dockerfile/i,
  /failed to reach build target/i,
];

/** Messages that mention one of those words and still mean "later": registry or network away. */
const transientMessages = [
  /connection refused/i,
  /i\/o timeout/i,
  /no such host/i,
  /connection reset/i,
  /TLS handshake timeout/i,
  /unexpected EOF|: EOF/i,
  /toomanyrequests|too many requests/i,
  /no route to host/i,
  /network is unreachable/i,
  /context deadline exceeded/i,
  /server misbehaving/i,
  /received unexpected HTTP status: 5\d\d/i,
  /5\d\d (internal server|bad gateway|service unavailable)/i,
  /request canceled/i,
  /Client\.Timeout/i,
  /no space left on device/i,
  // By its id: a step of a build that was in the cache, and was removed meanwhile.
  /(no such|unable to find) image:? "?sha256:/i,
  // Two of one name, until whoever made the younger one has removed it.
  /network [\w.-]+ (not found|is ambiguous)/i,
];

/** Whether a message names something that passes by itself: a registry or a network that is away. */
export function saysTransient(message: string): boolean {
  return transientMessages.some((pattern) => pattern.test(message));
}

/** Whether to try again after this message of the daemon (in a stream, or with a 500); what is unknown may pass. */
export function isTransientMessage(message: string): boolean {
  return saysTransient(message) || !permanentMessages.some((pattern) => pattern.test(message));
}

/** What the engine says, with a 500, of an image that another call removed after this one had found it. */
const removedMeanwhile = /unrecognized image ID/i;

/** What engines say, older ones with a 404 and newer ones with a 400, when all their pools are in use. */
const noAddresses = /non-overlapping IPv\d address pool|address pools have been fully subnetted/i;

/** Sorts an HTTP answer of the daemon into one of the errors above. */
export function fromStatus(what: string, statusCode: number, said: string): EngineError {
  const message = `${what}: ${said.trim() || `HTTP ${statusCode}`}`;
  if (noAddresses.test(said)) {
    const mend = 'give the Docker Engine more by default-address-pools in its daemon.json, or remove networks that nobody uses';
    return new AddressesExhausted(`no addresses are left for another network: ${mend} (${message})`, statusCode);
  }
  if (statusCode === 404 || removedMeanwhile.test(said)) return new NotFound(message, statusCode);
  if (statusCode === 409 || /port is already allocated|address already in use/i.test(said)) return new Conflict(message, statusCode);
  if (statusCode === 408 || statusCode === 429) return new Unavailable(message, statusCode);
  if (statusCode < 500) return new Refused(message, statusCode);
  return isTransientMessage(said) ? new Unavailable(message, statusCode) : new Refused(message, statusCode);
}
