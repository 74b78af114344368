import type { Database } from '@slipway/postgres';
import { type Arming, arm, type Held, take } from './claims.js';
import { isOver, LostClaim, LostPlace } from './errors.js';
import type { Acting } from './work.js';

/** What an arming outlasts its call by, in ms: its own answer may take half of that, and by the other half the call is over before anybody else may act. */
const armedBeyondMs = 4_000;
/** No call that is armed may take longer than this, in ms: what it has in hand stands still for as long when its process dies. */
const longestCallMs = 10 * 60_000;
/** Nothing of ours is ever armed for longer, in ms. */
export const longestArmedMs = longestCallMs + 2 * armedBeyondMs;
/** What is under way has so long to be answered once its work is told to stop, in ms: less than a process has to end. */
const answerMs = 2_000;

/** Whose calls they are. */
interface Caller {
  readonly operation: { readonly id: string; readonly epoch: number };
  readonly signal: AbortSignal;
  lose(): LostClaim;
}

/** The calls of a claim that change something outside: armed before they are sent, and until it is known that nothing of them is under way. */
export class Calls {
  /** What was armed last. */
  private armed: Arming | null = null;
  private place: string | null = null;
  private underWay = 0;
  /** What was armed for the last call of which it was not known whether it is over: what is answered after it disarms no further. */
  private open: Arming | null = null;

  constructor(
    private readonly database: Database,
    private readonly caller: Caller,
  ) {}

  get held(): Held {
    const { id, epoch } = this.caller.operation;
    return { id, epoch, answered: this.underWay === 0 ? this.armed : null, open: this.open, place: this.place };
  }

  async take(place: string): Promise<boolean> {
    if (!(await take(this.database, this.caller.operation, place))) return false;
    this.place = place;
    return true;
  }

  /** @throws RangeError where the call is given more than {@link longestCallMs} */
  async act<T>(ms: number, call: (acting: Acting) => Promise<T>, until?: AbortSignal): Promise<T> {
    if (!(ms <= longestCallMs)) throw new RangeError(`a call may take at most ${longestCallMs} ms, not ${ms}`);
    this.underWay++;
    try {
      const arming = await this.arm(ms);
      const stop = soonAfter(this.caller.signal);
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(ms), ...(until ? [until] : [])]);
      let isKnown = false;
      try {
        const answer = await call({ signal, epoch: this.caller.operation.epoch });
        isKnown = true;
        return answer;
      } catch (error) {
        isKnown = isOver(error);
        throw error;
      } finally {
        stop.end();
        if ((signal.aborted || !isKnown) && arming > (this.open ?? '')) this.open = arming;
      }
    } finally {
      this.underWay--;
    }
  }

  private async arm(ms: number): Promise<Arming> {
    for (;;) {
      this.caller.signal.throwIfAborted();
      const sentAt = performance.now();
      const armed = await arm(this.database, { ...this.caller.operation, place: this.place }, ms + armedBeyondMs);
      if (armed === undefined) throw this.caller.lose();
      this.armed = armed.arming;
      if (!armed.isItsPlace) throw new LostPlace(this.place ?? '');
      this.caller.signal.throwIfAborted();
      if (performance.now() - sentAt < armedBeyondMs / 2) return armed.arming;
    }
  }
}

/** Aborted with the claim where it is lost; where it is only told to stop, what is under way may be answered first. */
function soonAfter(told: AbortSignal): { readonly signal: AbortSignal; end(): void } {
  const stopping = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  const stop = () => stopping.abort(told.reason);
  const hear = () => {
    if (told.reason instanceof LostClaim) stop();
    else patience = setTimeout(stop, answerMs);
  };
  if (told.aborted) hear();
  else told.addEventListener('abort', hear, { once: true });
  return {
    signal: stopping.signal,
    end: () => {
      clearTimeout(patience);
      told.removeEventListener('abort', hear);
    },
  };
}
