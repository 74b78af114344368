import { z } from 'zod';

/** Ten years, in seconds. */
const longest = 3650 * 86_400;

const unit = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A length of time as people write it in files: `500ms`, `30s`, `10m`, `2h`, `7d`. */
export const WrittenDuration = z.string().regex(/^\d+(ms|s|m|h|d)$/, 'write a whole number and a unit, like 30s, 10m, 2h or 7d');

/** One that may be counted with. Beyond any date that can be written down a moment is none any more, and whoever counts from now to it fails. */
export const Duration = WrittenDuration.refine((text) => !isDuration(text) || seconds(text) <= longest, {
  error: 'ten years (3650d) is the longest',
});
export type Duration = z.infer<typeof Duration>;

/** A length of time that somebody waits through, by a timer: a day at most, far below what timers can count. */
export const ShortDuration = Duration.refine((text) => !isDuration(text) || seconds(text) <= unit.d, {
  error: 'a day (24h) is the longest here',
});

function isDuration(text: string): boolean {
  return /^\d+(ms|s|m|h|d)$/.test(text);
}

/** The same in seconds, as metrics and timers want it; what an earlier version took for longer is ten years. @throws RangeError for what is no duration */
export function inSeconds(duration: string): number {
  return Math.min(seconds(duration), longest);
}

function seconds(duration: string): number {
  const [, amount, name] = /^(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  if (amount === undefined || name === undefined) throw new RangeError(`not a duration: ${duration}`);
  return Number(amount) * unit[name as keyof typeof unit];
}

/** A size in bytes as people write it in files and settings: `64Mi`, `1Gi`. */
export const MemorySize = z.string().regex(/^\d+(Ki|Mi|Gi)$/, 'write a whole number and Ki, Mi or Gi, like 256Mi');
export type MemorySize = z.infer<typeof MemorySize>;

/** The same in bytes. The text must be a valid MemorySize. */
export function inBytes(size: string): number {
  const [, amount, name] = /^(\d+)(Ki|Mi|Gi)$/.exec(size) ?? [];
  if (amount === undefined || name === undefined) throw new RangeError(`not a size of memory: ${size}`);
  return Number(amount) * { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }[name as 'Ki' | 'Mi' | 'Gi'];
}
