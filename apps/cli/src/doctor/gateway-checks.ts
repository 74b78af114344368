import type { ApiClient } from '@slipway/api';
import { failureOf } from '../exit.js';
import { oneLine } from '../output.js';
import type { Session } from '../session.js';
import { ago, span } from '../showing.js';
import { type Finding, failed, ok, warning } from './finding.js';
import { unasked } from './settings-checks.js';

const timeoutMs = 5000;
/** Sign-offs by key stand five minutes of difference; this much shows that a clock is not kept. */
const skew = { warnSeconds: 10, failSeconds: 240 };

/** The gateway, from here: whether it answers, is ready, knows us, and what it says of itself. */
export async function checkGateway(session: Session): Promise<Finding[]> {
  const url = await session.url().then(
    ({ value }) => value,
    () => undefined,
  );
  if (url === undefined) return unasked(['gateway', 'clock', 'person', 'status']);
  const answered = await ask(`${url}/health/live`);
  if ('failure' in answered) {
    const mend = 'is it started (npm start, or docker compose up), is the address right, does a firewall stand between?';
    return [failed('gateway', `${url} does not answer: ${answered.failure}`, mend), ...unasked(['clock', 'person', 'status'])];
  }
  const findings = [
    answered.status === 200
      ? ok('gateway', `${url} answers`)
      : failed('gateway', `${url} answers ${answered.status}: is this Slipway?`, 'check the address'),
  ];
  return [...findings, clock(answered, session.around.now()), await readiness(url), ...(await knows(session))];
}

interface Answer {
  readonly status: number;
  readonly date: string | null;
  readonly text: string;
  readonly tookMs: number;
}

/** A plain GET that never throws: not answering is what is looked for. */
export async function ask(url: string, most = 2000): Promise<Answer | { readonly failure: string }> {
  const started = performance.now();
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    const text = await response.text();
    return { status: response.status, date: response.headers.get('date'), text: text.slice(0, most), tookMs: performance.now() - started };
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    return { failure: cause?.code ?? cause?.message ?? (error as Error).message };
  }
}

function clock({ date, tookMs }: Answer, now: Date): Finding {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs))
    return warning('clock', 'the gateway does not say what time it is', 'a proxy in between may take the Date header away');
  // A Date header has no parts of a second: its middle is the best guess, and half of the way was before it.
  const seconds = Math.max(0, Math.abs(now.getTime() - tookMs / 2 - (theirs + 500)) / 1000 - 0.5);
  const message = `this machine and the gateway differ by ${span(seconds)}`;
  const mend = 'keep both clocks by NTP (timedatectl set-ntp true): sign-offs by key are refused beyond five minutes';
  if (seconds > skew.failSeconds) return failed('clock', message, mend);
  return seconds > skew.warnSeconds ? warning('clock', message, mend) : ok('clock', message);
}

async function readiness(url: string): Promise<Finding> {
  const answered = await ask(`${url}/health/ready`);
  if ('failure' in answered) return failed('gateway ready', `no answer: ${answered.failure}`, 'look into the log of the gateway');
  if (answered.status === 200) return ok('gateway ready', 'its database and Kafka answer');
  return failed('gateway ready', missingIn(answered.text), 'bring back what it names; the gateway goes on by itself then');
}

/** What a service says is missing before it is ready; its whole answer where it says something else. */
export function missingIn(text: string): string {
  try {
    const { missing } = JSON.parse(text) as { missing?: unknown };
    if (Array.isArray(missing)) return oneLine(missing.join('; '), 300);
  } catch {
    // A proxy's page, then.
  }
  return oneLine(text, 300);
}

async function knows(session: Session): Promise<Finding[]> {
  try {
    const api = await session.api();
    const me = await api.me({});
    const roles =
      me.roles.length === 0
        ? warning(
            'person',
            `you are ${oneLine(me.name)}, without any role`,
            'ask an administrator: slipway person change <you> --add-role developer',
          )
        : ok('person', `you are ${oneLine(me.name)}`);
    return [roles, ...(await status(session, api))];
  } catch (error) {
    const failure = failureOf(error);
    return [failed('person', oneLine(failure.message, 300), 'log in: slipway login'), ...unasked(['status'])];
  }
}

function heardOf({ service, lastHeard, owes }: { service: string; lastHeard: string | null; owes: boolean }, now: Date): Finding {
  if (lastHeard !== null) return ok(service, `heard of ${ago(lastHeard, now)}`);
  if (!owes) return ok(service, 'it has had nothing to say so far');
  return warning(
    service,
    'it was never heard of, though it should have answered by now',
    'start it; if it runs, look into its log for Kafka',
  );
}

type Stuck = Awaited<ReturnType<ApiClient['status']>>['stuck'][number];

/** A release that should move and does not, with each thing in its way and what to do about it. */
function stuckRelease({ release, name, state, since, waitsFor, why }: Stuck): Finding {
  const shown = name || release;
  const what = `release ${shown} is ${state} and does not get on since ${since}`;
  const waits = waitsFor ? `; it waits for: ${oneLine(waitsFor, 300)}` : '';
  const ways = why.map(({ message, since: from }) => `; ${oneLine(message, 400)} (since ${from})`);
  const mends = why.map(({ mend }) => oneLine(mend, 400));
  return failed('stuck', `${what}${waits}${ways.join('')}`, [...new Set(mends), `slipway release show ${shown}`].join('; '));
}

/** What the gateway knows of the others, and what it warns of: Kafka, Postgres, roles of the database. */
async function status(session: Session, api: ApiClient): Promise<Finding[]> {
  try {
    const said = await api.status({});
    const now = session.around.now();
    const { newest, events } = said.journal;
    return [
      ok('status', `version ${said.version}, ${events} events${newest === null ? '' : `, the newest ${ago(newest, now)}`}`),
      ...said.services.map((each) => heardOf(each, now)),
      ...said.stuck.map(stuckRelease),
      ...said.warnings.map(({ code, message, mend }) => warning(oneLine(code), oneLine(message, 400), oneLine(mend, 400))),
    ];
  } catch (error) {
    return [failed('status', oneLine(failureOf(error).message, 300), 'look into the log of the gateway')];
  }
}
