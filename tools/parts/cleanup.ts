import { messageOf, withTimeout } from './until.ts';

interface Debt {
  what: string;
  pay: () => Promise<void> | void;
  timeoutMs: number;
}

/**
 * What must be undone at the end, in reverse order of its making. One that fails is told and does not keep the others from
 * being undone.
 */
export class Cleanup {
  readonly #debts: Debt[] = [];
  #running: Promise<string[]> | undefined;

  /** Remembers how to undo something. Later ones are undone first. */
  defer(what: string, pay: () => Promise<void> | void, timeoutMs = 30_000): void {
    this.#debts.push({ what, pay, timeoutMs });
  }

  /** What is still to be undone. */
  get left(): readonly string[] {
    return this.#debts.map((debt) => debt.what);
  }

  /** Undoes everything, once. Gives what could not be undone, in words. */
  run(): Promise<string[]> {
    this.#running ??= this.#payAll();
    return this.#running;
  }

  async #payAll(): Promise<string[]> {
    const failed: string[] = [];
    for (let debt = this.#debts.at(-1); debt !== undefined; debt = this.#debts.at(-1)) {
      try {
        await withTimeout(debt.what, Promise.resolve(debt.pay()), debt.timeoutMs);
      } catch (error) {
        failed.push(`${debt.what}: ${messageOf(error)}`);
      }
      this.#debts.splice(this.#debts.indexOf(debt), 1);
    }
    return failed;
  }
}

/** Thrown where something is waited for while the person (or the system) has asked to end. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** How {@link exitCodeOf} ends a program. */
export interface Ending {
  readonly cleanup: Cleanup;
  /** Tells the person at the terminal. */
  readonly say: (text: string) => void;
  /** What is told of an error; its message by default. */
  readonly wordsOf?: (error: unknown) => string;
}

/**
 * Does a program's work and undoes what it made, whatever came of it. Gives the exit code: the work's own, 130 where it was interrupted, 1 where it
 * threw or something could not be undone. Never rejects.
 */
export async function exitCodeOf(work: () => Promise<number>, { cleanup, say, wordsOf = messageOf }: Ending): Promise<number> {
  let code = 0;
  try {
    code = await work();
  } catch (error) {
    if (!(error instanceof Interrupted)) say(wordsOf(error));
    code = error instanceof Interrupted ? 130 : 1;
  }
  for (const what of await cleanup.run()) {
    say(`could not ${what}`);
    code ||= 1;
  }
  return code;
}

/** The first request to end, from a signal or because the parent went away. */
export interface EndRequest {
  /** Resolves with the signal; never rejects. */
  readonly asked: Promise<NodeJS.Signals>;
  readonly signal: NodeJS.Signals | undefined;
  /** Aborts with {@link Interrupted} when asked to end. */
  readonly abort: AbortSignal;
  /** Asks to end, as that signal would: for what comes as a key of the terminal. */
  ask(signal: NodeJS.Signals): void;
  /** Throws {@link Interrupted} when asked to end. */
  throwIfAsked(): void;
  /** Stops listening for signals. */
  release(): void;
}

const sameRequestMs = 1500;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP, and for the parent process going away. npm, a shell and the terminal each pass the same Ctrl-C on,
 * so several within a moment count as one; a later one calls `again`, which may choose to leave at once.
 */
export function listenForEnd(again: (signal: NodeJS.Signals) => void): EndRequest {
  const controller = new AbortController();
  let signal: NodeJS.Signals | undefined;
  let askedAt = 0;
  let resolve: (received: NodeJS.Signals) => void = () => {};
  const promise = new Promise<NodeJS.Signals>((settle) => {
    resolve = settle;
  });
  const onSignal = (received: NodeJS.Signals): void => {
    if (signal !== undefined) {
      if (performance.now() - askedAt > sameRequestMs) again(received);
      return;
    }
    signal = received;
    askedAt = performance.now();
    controller.abort(new Interrupted(received));
    resolve(received);
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, onSignal);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent && signal === undefined) onSignal('SIGHUP');
  }, 2000);
  watch.unref();
  return {
    asked: promise,
    get signal() {
      return signal;
    },
    abort: controller.signal,
    ask: onSignal,
    throwIfAsked: () => controller.signal.throwIfAborted(),
    release: () => {
      clearInterval(watch);
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
