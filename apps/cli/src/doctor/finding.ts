/** What doctor found about one thing. */
export interface Finding {
  readonly check: string;
  /** `skipped`: it could not be looked at from here, or not before something else is mended. */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  /** What to do about it. */
  readonly mend: string | null;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message, mend: null });
export const warning = (check: string, message: string, mend: string): Finding => ({ check, state: 'warning', message, mend });
export const failed = (check: string, message: string, mend: string): Finding => ({ check, state: 'failed', message, mend });
export const skipped = (check: string, message: string): Finding => ({ check, state: 'skipped', message, mend: null });
