import { BuildFailed, Cancelled, ContextRefused, EngineError, LimitExceeded, Refused } from '@slipway/docker-engine';
import { RegistryRefused, RegistryUnavailable, RegistryUntrusted } from '@slipway/registry';
import { SourceError } from '@slipway/source-control';
import { LogIsFull, type Produced } from '../ports.js';

type Failure = Extract<Produced, { outcome: 'failed' }>;

const killed = 137;

/** A time limit of the build itself, with an engine that answers: the build's own failure. */
export class OutOfTime extends Error {
  constructor(readonly seconds: number) {
    super(`the build took longer than its limit of ${seconds} s`);
  }
}

/**
 * The failure an error stands for, or `undefined` where it is not the build's own no but ours or a part's that is away: that one is
 * thrown on, and tried again.
 */
export function failureOf(error: unknown, limits: { readonly memory: number }): Failure | undefined {
  if (error instanceof BuildFailed) return failed('build-failed', withMemory(error, limits.memory), error.step ?? null);
  if (error instanceof OutOfTime) return failed('time-limit', error.message);
  if (error instanceof LogIsFull) return failed('log-limit', error.message);
  if (error instanceof LimitExceeded) return failed(`${error.limit.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-limit`, error.message);
  if (error instanceof ContextRefused) return failed('context-refused', error.message);
  if (error instanceof SourceError && !error.passes) return failed(`source-${error.reason}`, error.message);
  if (error instanceof Refused || error instanceof RegistryRefused || error instanceof RegistryUntrusted)
    return failed('registry-refused', error.message);
  return undefined;
}

/**
 * The part whose absence an error stands for: `source`, `registry` or `docker-engine`; undefined where it is another error. `engineAnswers`: the same
 * error of the engine says that it is away itself, or that the registry behind it is.
 */
export async function absentIn(error: unknown, engineAnswers: () => Promise<boolean>): Promise<string | undefined> {
  if (error instanceof SourceError && error.passes) return 'source';
  if (error instanceof RegistryUnavailable) return 'registry';
  if (!(error instanceof EngineError) || !error.transient) return undefined;
  if (/no space left on device/i.test(error.message)) return 'docker-engine';
  return (await engineAnswers()) ? 'registry' : 'docker-engine';
}

/** Whether an error only says that its signal was aborted. */
export function wasCancelled(error: unknown): boolean {
  return error instanceof Cancelled || (error instanceof SourceError && error.reason === 'cancelled');
}

function failed(code: string, message: string, step: string | null = null): Failure {
  return { outcome: 'failed', reason: { code, message }, step };
}

function withMemory(error: BuildFailed, memory: number): string {
  if (error.exitCode !== killed) return error.message;
  return `${error.message} (killed: perhaps more memory than the limit of ${Math.floor(memory / 1024 ** 2)} MiB)`;
}
