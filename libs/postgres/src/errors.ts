/**
 * The COMMIT was sent and its answer never came: the transaction may or may not be in the database.
 * Whoever sees this does the work again with the same ids (inbox row, unique key, epoch) and thereby finds out; nobody may
 * take it for a failure. `transaction` never repeats it by itself. (design part 4 "How"; fault test P02)
 */
export class CommitUnknown extends Error {
  override readonly name = 'CommitUnknown';
  constructor(cause: unknown) {
    super('The connection was lost after COMMIT was sent; whether it took effect is unknown', { cause });
  }
}

/** Postgres answered COMMIT with ROLLBACK: an error inside the transaction was swallowed, so nothing of it was kept. A bug of the caller. */
export class CommitRefused extends Error {
  override readonly name = 'CommitRefused';
  constructor() {
    super(
      'Postgres rolled the transaction back: a statement in it failed and its error was swallowed. Let the error through, or use a savepoint',
    );
  }
}

/** Somebody asked for a second connection while holding one, which can lock the whole pool up (fault test P04). A bug of the caller. */
export class NestedTransaction extends Error {
  override readonly name = 'NestedTransaction';
  constructor() {
    super('A transaction of this database is already open here: use its `tx` instead of `database.transaction` or `database.query`');
  }
}

const retryStates = new Set(['40001', '40P01']);

/** What passes by itself: away or starting, out of connections, memory or disk, cancelled or waited too long, a standby just promoted. */
const transientStates = new Set([...retryStates, '55P03', '57014', '57P01', '57P02', '57P03', '57P05', '25P03', '25006', '25P04']);
const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
]);
const transientWords =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout|Connection ended unexpectedly|The client has been closed|connection to the database was lost)/i;

/** SQLSTATE of an error from pg or TypeORM (five characters), else undefined. */
export function sqlState(error: unknown): string | undefined {
  for (const e of chain(error)) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !transientCodes.has(code)) return code;
  }
  return undefined;
}

/** Serialization failure or deadlock: Postgres undid the transaction whole and asks for it to be run again. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof CommitUnknown) && retryStates.has(sqlState(error) ?? '');
}

/** The connection is gone or useless, as opposed to Postgres having said no. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith('08') || state.startsWith('57P') || state === '25P03' || state === '25P04';
  return chain(error).some((e) => transientCodes.has(String((e as { code?: unknown }).code)) || transientWords.test(e.message));
}

/**
 * Whether COMMIT was answered with a no to the transaction itself (a deferred constraint, a serialization failure): it was undone. A server in trouble (no
 * room for its log of writes, shutting down, falling: classes 53, 57, 58, XX) may say so after the commit was written.
 */
export function isRefusedCommit(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && !isConnectionLoss(error) && !['53', '57', '58', 'XX'].includes(state.slice(0, 2));
}

/**
 * True for what a later attempt may well survive (database away, restarting, full, out of connections, locked, timed out), false for
 * what will fail again (wrong SQL, broken constraint, no permission). `CommitUnknown` is transient: try again with the same ids.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof CommitUnknown) return true;
  const state = sqlState(error);
  if (state !== undefined) return transientStates.has(state) || ['08', '53', '58'].includes(state.slice(0, 2));
  return isConnectionLoss(error);
}

/** Postgres refused a row because it is there already; with a name, because of that constraint or index. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return chain(error).some((e) => {
    const { code, constraint: name } = e as { code?: unknown; constraint?: unknown };
    return code === '23505' && (constraint === undefined || name === constraint);
  });
}

function chain(error: unknown): Error[] {
  const found: Error[] = [];
  const queue = [error];
  while (queue.length > 0 && found.length < 16) {
    const next = queue.shift();
    if (!(next instanceof Error) || found.includes(next)) continue;
    found.push(next);
    const { driverError, errors } = next as { driverError?: unknown; errors?: unknown[] };
    queue.push(driverError, next.cause, ...(Array.isArray(errors) ? errors : []));
  }
  return found;
}
