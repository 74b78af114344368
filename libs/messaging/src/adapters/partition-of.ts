/** The partition of a key as Java clients compute it (murmur2, sign bit dropped), so that whatever else writes to our topics agrees. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  let h = (0x9747b28c ^ data.length) | 0;
  const words = data.length >> 2;
  for (let at = 0; at < words; at++) {
    const from = at * 4;
    let k =
      (data[from] as number) | ((data[from + 1] as number) << 8) | ((data[from + 2] as number) << 16) | ((data[from + 3] as number) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = words * 4;
  const left = data.length & 3;
  if (left > 2) h ^= (data[rest + 2] as number) << 16;
  if (left > 1) h ^= (data[rest + 1] as number) << 8;
  if (left > 0) h = Math.imul(h ^ (data[rest] as number), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return (h ^ (h >>> 15)) | 0;
}
