import type { Service } from '@slipway/contracts';

/** What stands in the way of a release that does not get on, by what was said of it; and what to do. */
export interface Obstacle {
  readonly code: 'dead-letter' | 'newer-version' | 'comes-first' | 'unanswered' | 'works';
  readonly service: Service;
  /** RFC 3339 UTC. */
  readonly since: string;
  readonly message: string;
  readonly mend: string;
}

/** An event that a service must act on, and what that service has said because of it. */
export interface HandedOver {
  readonly service: Service;
  readonly event: string;
  /** When it was said. */
  readonly at: string;
  /** The last of what it said; undefined where it said nothing. */
  readonly answer:
    | {
        readonly outcome: 'answered' | 'noted' | 'refused' | 'dead-lettered' | 'parked';
        readonly reason: string | null;
        readonly at: string;
      }
    | undefined;
  /** The place of its dead letter, where nobody dealt with that. */
  readonly deadLetter: { readonly place: string; readonly reason: string; readonly at: string } | undefined;
  /** When anything was heard of the service last. */
  readonly heard: string | undefined;
}

/** Within which a service that runs has answered, in ms. */
const soonMs = 60_000;

/** What is in the way of this one; undefined where nothing is. */
export function obstacleIn({ service, event, at, answer, deadLetter, heard }: HandedOver, now: string): Obstacle | undefined {
  if (deadLetter) {
    const letter = `${service} ${JSON.stringify(deadLetter.place)}`;
    return {
      code: 'dead-letter',
      service,
      since: deadLetter.at,
      message: `${service} could not take ${event}: ${deadLetter.reason}`,
      mend: `slipway dead-letters show ${letter}; once the cause is mended: slipway dead-letters replay ${letter} --reason "…"`,
    };
  }
  if (answer?.outcome === 'parked') return parked(service, event, answer.reason ?? '', answer.at);
  if (answer || Date.parse(now) - Date.parse(at) < soonMs) return undefined;
  const last = heard === undefined ? 'nothing was ever heard of it' : `the last that was heard of it was at ${heard}`;
  return {
    code: 'unanswered',
    service,
    since: at,
    message: `${service} has not answered ${event}; ${last}`,
    mend: `is ${service} running and ready (slipway doctor on its machine)? It is told again by itself until it answers; its log says what keeps it`,
  };
}

function parked(service: Service, event: string, reason: string, since: string): Obstacle {
  if (reason.startsWith('this code knows version')) {
    const message = `${event} is newer than ${service} understands (${reason}) and was put aside`;
    return { code: 'newer-version', service, since, message, mend: `bring the newer version of ${service}: it then handles it by itself` };
  }
  const message = `${service} has put ${event} aside: ${reason.replace(/^NotYet: /, '')}`;
  return {
    code: 'comes-first',
    service,
    since,
    message,
    mend: `it is tried again by itself, and after a day a dead letter; the log of ${service} says more`,
  };
}

/** Where nothing is in the way, whose work it is: who took the last of them, and when. */
export function worker(handed: readonly HandedOver[]): Obstacle | undefined {
  const taken = handed.filter(({ answer }) => answer !== undefined).sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const [last] = taken;
  if (!last) return undefined;
  const { service, event, at, heard } = last;
  return {
    code: 'works',
    service,
    since: at,
    message: `${service} took ${event} and is at work; it was last heard of at ${heard ?? at}`,
    mend: `the log of ${service} says how far it is (errors are tried again without end); slipway doctor on its machine asks it what it waits for`,
  };
}
