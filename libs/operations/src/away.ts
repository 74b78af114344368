import { PartAway, PartBack } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';

/** A part of the world that did not answer a work. */
export interface Met {
  /** `target`, `registry`, `docker-engine`, `source`, `approval`: as `part.away` names it. */
  readonly part: string;
  /** Where it is needed; null where that is not known, or everywhere. */
  readonly environment: string | null;
  /** For how long the work has waited for it in this try, in ms. */
  readonly forMs?: number;
  /** What came instead of an answer. */
  readonly reason: string;
}

/** A part an operation waits for. */
export interface Away {
  readonly part: string;
  readonly environment: string | null;
  /** RFC 3339, by the database's clock. */
  readonly since: string;
  /** Whether the release's readers were told. */
  readonly said: boolean;
}

/** To be thrown by a work whose part does not answer: it is *errored* like by any error, and the release says for which part it waits. */
export class PartUnavailable extends Error {
  override readonly name = 'PartUnavailable';

  constructor(
    readonly part: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What to keep of a part after one more try, and what is new to those who read of the release. */
export interface After {
  readonly away: Away | null;
  readonly say: 'away' | 'back' | null;
}

/**
 * After a try that met `met`, or nobody absent. An absence is said once it has lasted `afterMs`, so that a moment's is not worth an event, and its end is
 * said only where it was.
 */
export function awayAfter(before: Away | null, met: Met | undefined, now: Date, afterMs: number): After {
  if (!met) return { away: null, say: before?.said ? 'back' : null };
  const same = before?.part === met.part;
  const since = same ? before.since : new Date(now.getTime() - (met.forMs ?? 0)).toISOString();
  const known = before?.said ?? false;
  const said = known || now.getTime() - Date.parse(since) >= afterMs;
  const environment = met.environment ?? before?.environment ?? null;
  return { away: { part: met.part, environment, since, said }, say: said && !(known && same) ? 'away' : null };
}

/** Says it to those who read of the release; where the work belongs to none, the metric alone tells it. */
export function sayAway(
  unit: UnitOfWork,
  release: string | undefined,
  { before, after, met }: { before: Away | null; after: After; met?: Met | undefined },
): void {
  if (!release) return;
  const about = { subject: release, correlationId: release };
  if (after.say === 'away' && after.away) {
    const { part, environment, since } = after.away;
    unit.publish(PartAway, { ...about, data: { release, environment, part, since, reason: (met?.reason ?? '').slice(0, 1000) } });
  }
  if (after.say === 'back' && before) {
    const { part, environment, since } = before;
    const afterSeconds = Math.max(0, (unit.now.getTime() - Date.parse(since)) / 1000);
    unit.publish(PartBack, { ...about, data: { release, environment, part, afterSeconds } });
  }
}
