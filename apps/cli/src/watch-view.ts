import { type ExitCode, exitCodes } from './exit.js';
import { oneLine } from './output.js';
import { type Detail, nameOf } from './references.js';
import type { Session } from './session.js';
import { brief, briefRef, coloured, span } from './showing.js';

/** Whether to go on watching, and if not, how it ended. */
export type Verdict = 'going' | 'good' | 'bad';

const arrived = new Set(['live', 'passed', 'replaced']);
const stopped = new Set(['failed', 'rejected', 'expired', 'superseded', 'rolled-back', 'aborted']);

/** How a release, or a release in one environment, stands. It goes on as long as it waits for anything at all. */
export function verdictOf(detail: Detail, environment?: string): Verdict {
  const over = detail.waitingFor.every(({ code }) => code === 'live' || code === 'ended');
  if (environment !== undefined) {
    const state = detail.environments.find((each) => each.environment === environment)?.state ?? '';
    if (arrived.has(state)) return 'good';
    return over || stopped.has(state) ? 'bad' : 'going';
  }
  if (!over) return 'going';
  return arrived.has(detail.state) ? 'good' : 'bad';
}

/** Whether its request was taken back, there or anywhere: it may be asked for anew at once. */
export function isTakenBack({ environments }: Detail, environment?: string): boolean {
  return environments.some((each) => each.state === 'voided' && (environment ?? each.environment) === each.environment);
}

/** Shows a release as it changes: on a terminal a few lines that are drawn anew below what happened, else a line for each thing that happened. */
export class WatchView {
  private readonly told = new Set<string>();
  private detail: Detail | undefined;
  private drawn = 0;
  private waits = '';
  private absence: string | undefined;
  private ticking: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {}

  /** Tells what is new. */
  show(detail: Detail): void {
    const { out } = this.session;
    const fresh = detail.timeline.filter(({ id }) => !this.told.has(id));
    this.detail = detail;
    this.erase();
    for (const entry of fresh) {
      this.told.add(entry.id);
      if (out.json) out.record({ release: nameOf(detail.release), ...entry });
      else out.line(`${out.paint('dim', entry.at)}  ${oneLine(this.session.words(entry))}`);
    }
    if (out.live) this.draw();
    else if (!out.json) this.tellWaiting(detail);
  }

  /** Says that the gateway does not answer, or that it does again (`undefined`). */
  away(why: string | undefined): void {
    if ((why === undefined) === (this.absence === undefined)) return;
    this.absence = why;
    this.erase();
    this.session.out.note(why === undefined ? 'the gateway answers again' : `${oneLine(why)} Waiting for it.`);
  }

  /** The last word. */
  end(detail: Detail, exit: ExitCode): ExitCode {
    const { out } = this.session;
    this.close();
    const name = nameOf(detail.release);
    if (out.json)
      out.record({
        release: name,
        state: detail.state,
        ok: exit === exitCodes.ok,
        waitingFor: detail.waitingFor,
        environments: detail.environments,
      });
    else {
      const why = detail.waitingFor.map((each) => oneLine(this.session.words(each))).join('; ');
      out.line(`${out.paint(exit === exitCodes.ok ? 'green' : 'red', `${name} ${detail.state}`)}${why === '' ? '' : `: ${why}`}`);
    }
    return exit;
  }

  /** Takes the drawing away and stops its clock. */
  close(): void {
    clearInterval(this.ticking);
    this.ticking = undefined;
    this.erase();
  }

  private tellWaiting({ waitingFor }: Detail): void {
    const waits = waitingFor.filter(({ code }) => code !== 'live' && code !== 'ended').map((each) => oneLine(this.session.words(each)));
    const text = waits.join('; ');
    // Counts of instances would make a line of every tick; the timeline has them.
    const gist = text.replaceAll(/\(\d+\/\d+\)/g, '');
    if (gist !== this.waits && text !== '') this.session.out.line(`waits for ${text}`);
    this.waits = gist;
  }

  private draw(): void {
    const { detail } = this;
    if (!detail) return;
    const lines = this.lines(detail);
    for (const line of lines) this.session.out.line(line);
    this.drawn = lines.length;
    this.ticking ??= setInterval(() => {
      this.erase();
      this.draw();
    }, 1000);
  }

  private lines({ release, state, title, environments, waitingFor, bornAt }: Detail): string[] {
    const { out, around } = this.session;
    const width = Math.max(40, out.columns - 1);
    const age = span((around.now().getTime() - Date.parse(bornAt)) / 1000);
    const head = oneLine(`${nameOf(release)} ${briefRef(release.ref)} ${brief(release.revision)}`, width - 25);
    const where = environments.map((each) => `  ${each.environment}  ${coloured(out, each.state)}`);
    const waits = waitingFor.map((each) => `  … ${oneLine(this.session.words(each), width - 6)}`);
    const hints = waitingFor
      .filter(({ code, environment }) => code === 'sign-off' && environment !== null)
      .map(({ environment }) => `  slipway approve ${nameOf(release)} ${environment}`);
    return [
      '',
      `${out.paint('bold', head)}  ${coloured(out, state)}  ${out.paint('dim', age)}`,
      `  ${oneLine(title, width - 4)}`,
      ...where,
      ...waits,
      ...[...new Set(hints)].map((hint) => out.paint('cyan', hint)),
    ];
  }

  private erase(): void {
    if (this.drawn > 0) this.session.out.raw(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }
}
