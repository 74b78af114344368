/**
 * What every service is started with, so that it keeps little memory while it waits; the images set the same. Measured in docs/performance.md.
 *
 * Node lets the young generation grow to 100 MiB and more; a service that mostly waits has no use for it, nor for source maps (15 MiB) or a compile
 * cache (9 MiB, for a tenth of a second). What it has let go of it gives back in quiet moments, for which it must be able to ask for a collection.
 * glibc keeps freed memory in an arena for every thread, up to eight a core, and learns to keep ever larger pieces: with two arenas and fixed
 * thresholds in bytes (mallopt(3)) what streamed through, by chunks of 64 KiB, goes back to the machine.
 */
export const memorySettings = {
  NODE_OPTIONS: '--expose-gc --max-semi-space-size=4',
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;
