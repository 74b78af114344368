import { readFile } from 'node:fs/promises';

/** What a wait needs to know besides its condition. All times in milliseconds. */
export interface Waiting {
  /** How long to try before giving up. */
  within: number;
  /** Pause between two tries; 100 by default. */
  every?: number;
  /** Called before each try: throws when waiting has become pointless (the process ended, the person pressed Ctrl-C). */
  stillWorthIt?: () => void;
}

/** Tries `condition` until it gives something other than undefined or false. What it threw last is told when the time is up. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  { within, every = 100, stillWorthIt }: Waiting,
): Promise<T> {
  const end = performance.now() + within;
  let lastError: unknown;
  for (;;) {
    stillWorthIt?.();
    try {
      const found = await condition();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end) {
      const because = lastError === undefined ? '' : ` (last answer: ${messageOf(lastError)})`;
      throw new Error(`${what}: not so within ${Math.round(within / 1000)} s${because}`);
    }
    await pause(every);
  }
}

/** The words of whatever was thrown, also where an AggregateError hides them. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  if (error instanceof Error) return error.message;
  return String(error);
}

/** Rejects when `promise` takes longer than this; the promise itself goes on. */
export async function withTimeout<T>(what: string, promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${Math.round(timeoutMs / 1000)} s`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does two things at once. Where one fails the other is still waited for, so that nothing it started is forgotten; then the first failure is thrown. */
export async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

/** The last lines of a log file, for an error message; empty when there is none. */
export async function tailOf(file: string, lines = 12): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Waits this many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
