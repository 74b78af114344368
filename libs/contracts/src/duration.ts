import { z } from 'zod';

const unit = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A length of time as people write it in files: `500ms`, `30s`, `10m`, `2h`, `7d`. */
export const Duration = z.string().regex(/^\d+(ms|s|m|h|d)$/, 'write a whole number and a unit, like 30s, 10m, 2h or 7d');
export type Duration = z.infer<typeof Duration>;

/** The same in seconds, as metrics and timers want it. The text must be a valid Duration. */
export function inSeconds(duration: Duration): number {
  const [, amount, name] = /^(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  if (amount === undefined || name === undefined) throw new RangeError(`not a duration: ${duration}`);
  return Number(amount) * unit[name as keyof typeof unit];
}

/** A size of memory as people write it in files: `64Mi`, `1Gi`. */
export const MemorySize = z.string().regex(/^\d+(Ki|Mi|Gi)$/, 'write a whole number and Ki, Mi or Gi, like 256Mi');
export type MemorySize = z.infer<typeof MemorySize>;

/** The same in bytes. The text must be a valid MemorySize. */
export function inBytes(size: MemorySize): number {
  const [, amount, name] = /^(\d+)(Ki|Mi|Gi)$/.exec(size) ?? [];
  if (amount === undefined || name === undefined) throw new RangeError(`not a size of memory: ${size}`);
  return Number(amount) * { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 }[name as 'Ki' | 'Mi' | 'Gi'];
}
