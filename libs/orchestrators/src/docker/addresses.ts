/** First host number of each kind of container on an environment's network; below are the gateway and Docker's own. */
const ranges = { proxy: [2, 2], 'one-shot': [8, 63], instance: [64, 1000] } as const;

/** Why fixed addresses: Docker hands out others after a restart of a container or of the host, and the proxy's file has to stay right while no part of Slipway runs. */
export function freeAddress(subnet: string, kind: keyof typeof ranges, taken: ReadonlySet<string>): string | undefined {
  const [base = '', bits = ''] = subnet.split('/');
  const [first, last] = ranges[kind];
  const start = toNumber(base);
  const size = 2 ** (32 - Number(bits));
  for (let host = first; host <= Math.min(last, size - 2); host++) {
    const address = toAddress(start + host);
    if (!taken.has(address)) return address;
  }
  return undefined;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
