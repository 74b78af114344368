import { type Output, oneLine } from './output.js';

const parts = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** How long, in its largest unit: `3d`, `12m`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [unit, size] = parts.find(([, each]) => whole >= each) ?? ['s', 1];
  return `${Math.floor(whole / size)}${unit}`;
}

/** How long ago, seen from now. */
export function ago(time: string, now: Date): string {
  return `${span((now.getTime() - Date.parse(time)) / 1000)} ago`;
}

/** A revision or digest as people read it: the start of a long hash. */
export function brief(hash: string): string {
  const [scheme, digits] = hash.includes(':') ? hash.split(':', 2) : [undefined, hash];
  const short = digits !== undefined && /^[0-9a-f]{20,}$/.test(digits) ? digits.slice(0, 12) : digits;
  return scheme === undefined ? `${short}` : `${scheme}:${short}`;
}

/** `main` for `refs/heads/main`. */
export function briefRef(ref: string): string {
  return oneLine(ref.replace(/^refs\/(heads|tags)\//, ''), 60);
}

const good = new Set(['live', 'passed', 'granted', 'accepted', 'ok', 'replayed', 'open', 'active']);
const bad = new Set(['failed', 'rejected', 'cancelled', 'rolled-back', 'aborted', 'withdrawn', 'voided', 'revoked', 'refused']);
const moving = new Set([
  'building',
  'testing',
  'deploying',
  'verifying',
  'rolling-out',
  'rolling-back',
  'awaiting-approval',
  'detected',
  'warning',
  'pending',
]);

/** A state in its colour. */
export function coloured({ paint }: Pick<Output, 'paint'>, state: string): string {
  if (good.has(state)) return paint('green', state);
  if (bad.has(state)) return paint('red', state);
  return moving.has(state) ? paint('yellow', state) : state;
}
