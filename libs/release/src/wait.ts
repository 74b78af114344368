import type { PersonReference, Reason, Role } from '@slipway/contracts';
import type { Words } from './timeline.js';

/** What a release can wait for. `sign-off`, `nobody-eligible` and `blocked` wait for people, `live` and `ended` for nothing. */
export type WaitCode =
  | 'build-queue'
  | 'build'
  | 'deployment'
  | 'verification'
  | 'request'
  | 'blocked'
  | 'sign-off'
  | 'nobody-eligible'
  | 'other-in-test'
  | 'soak'
  | 'newer-release'
  | 'grant'
  | 'rollout-queue'
  | 'rollout'
  | 'held'
  | 'away'
  | 'live'
  | 'ended';

/** One thing a release waits for. */
export interface Wait {
  readonly code: WaitCode;
  readonly environment: string | null;
  readonly text: Words;
  /** Of a sign-off: the role, how many, and who could. */
  readonly role?: Role;
  readonly count?: number;
  readonly people?: readonly PersonReference[];
  /** Since when, where the wait knows better than the environment. */
  readonly since?: string;
  /** When waiting ends by itself, where it does. */
  readonly until?: string;
  /** Why it ended, where it did. */
  readonly reason?: Reason;
}

/** A wait in both languages. */
export function wait(code: WaitCode, environment: string | null, en: string, zh: string, more: Partial<Wait> = {}): Wait {
  return { code, environment, text: { en, zh }, ...more };
}
