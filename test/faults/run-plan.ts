import { messageOf } from '../../tools/parts/until.ts';
import type { FaultContext, FaultySuite } from './fault.js';
import type { Planned } from './plan.js';

/** What became of a planned fault. */
export interface Done {
  readonly name: string;
  readonly kind: string;
  /** Seconds after the start. */
  readonly at: number;
  /** How long it lasted. */
  readonly seconds: number;
  /** What did not go as a fault of its kind has to: a service that did not end in time, a part that did not come back. */
  readonly complaint?: string | undefined;
  /** How often it met the work it is meant to meet; undefined where it cannot be counted. */
  readonly hurt?: number | undefined;
}

export interface PlanRun {
  readonly plan: readonly Planned[];
  readonly suite: FaultySuite;
  readonly hold: FaultContext['hold'];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** Told in between, for the progress. */
  readonly left: (seconds: number) => void;
}

const lookEveryMs = 10_000;

/** Does every fault of the plan in its time, and takes each back; resolves when the last one is over. What was begun is ended also when the run is interrupted. */
export async function runPlan({ plan, suite, hold, signal, say, left }: PlanRun): Promise<Done[]> {
  const begun = performance.now();
  const passed = () => (performance.now() - begun) / 1000;
  const done: Done[] = [];
  const going = new Set<Promise<void>>();
  const context: FaultContext = { say, signal, suite, hold };
  const look = setInterval(() => left(Math.max(0, (plan.at(-1)?.at ?? 0) - passed())), lookEveryMs);
  try {
    for (const planned of plan) {
      if (!(await passes((planned.at - passed()) * 1000, signal))) break;
      const one: Promise<void> = doOne(planned, context).then((complaint) => {
        done.push({
          name: planned.fault.name,
          kind: planned.kind.name,
          at: planned.at,
          seconds: planned.seconds,
          complaint,
          hurt: planned.fault.hurt?.(),
        });
        going.delete(one);
      });
      going.add(one);
    }
    await Promise.all(going);
  } finally {
    clearInterval(look);
  }
  signal.throwIfAborted();
  return done.sort((one, other) => one.at - other.at);
}

async function doOne({ fault, seconds }: Planned, context: FaultContext): Promise<string | undefined> {
  const complaints: string[] = [];
  context.say(fault.name);
  const begin = fault.begin(context);
  await begin.catch((error: unknown) => complaints.push(messageOf(error)));
  if (seconds > 0) await passes(seconds * 1000, context.signal);
  await fault.end().catch((error: unknown) => complaints.push(`not taken back: ${messageOf(error)}`));
  const complaint = complaints.length > 0 ? complaints.join('; ') : undefined;
  if (complaint !== undefined) context.say(`  ${fault.name}: ${complaint}`);
  return complaint && briefly(complaint);
}

/** For a report, which is kept: without the end of a log and where that was. */
function briefly(complaint: string): string {
  return (complaint.split('\n', 1)[0] as string).replace(/; the end of \S+:$/, '');
}

/** False when it was interrupted. */
async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (ms <= 0) return true;
  return await new Promise((resolve) => {
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(whole);
    };
    const timer = setTimeout(() => end(true), ms);
    const stop = (): void => end(false);
    signal.addEventListener('abort', stop);
  });
}
