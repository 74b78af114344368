/** What the two ends of a hop are told and say, over the channel of a child process. Times in ms of the machine's monotonic clock. */
export type Order =
  | { readonly do: 'send'; readonly count: number; readonly everyMs: number }
  | { readonly do: 'collect'; readonly count: number };
export type Report =
  | { readonly said: 'ready' }
  | { readonly said: 'times'; readonly times: readonly (readonly [id: string, at: number])[] };

/** The same clock in every process of the machine. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function report(message: Report): void {
  process.send?.(message);
}

/** `leave` takes this end out of its consumer group, so that the group can be deleted. */
export function onOrder(follow: (order: Order) => void, leave: () => Promise<unknown>): void {
  process.on('message', follow);
  const end = (): void => void leave().finally(() => process.exit(0));
  process.once('disconnect', end);
  process.once('SIGTERM', end);
  report({ said: 'ready' });
}

/** Starts `count` things, one every so many ms, however long each takes: who is slow is not spared the next. */
export async function openLoop(count: number, everyMs: number, start: (index: number) => Promise<readonly [id: string, at: number]>) {
  const begin = now();
  const under: Promise<readonly [string, number]>[] = [];
  for (let index = 0; index < count; index++) {
    const wait = begin + index * everyMs - now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    under.push(start(index));
  }
  return Promise.all(under);
}

/** Gathers what arrives until there is as much as was ordered. */
export class Arrivals {
  private times: (readonly [string, number])[] = [];
  private wanted = Number.POSITIVE_INFINITY;

  collect(count: number): void {
    this.wanted = count;
    this.tellWhenComplete();
  }

  arrived(id: string, at: number): void {
    this.times.push([id, at]);
    this.tellWhenComplete();
  }

  private tellWhenComplete(): void {
    if (this.times.length < this.wanted) return;
    report({ said: 'times', times: this.times });
    this.times = [];
    this.wanted = Number.POSITIVE_INFINITY;
  }
}
