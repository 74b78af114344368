import { Injectable } from '@nestjs/common';
import type { ReleaseDetail, ReleaseInEnvironment, ReleaseSummary, Waiting } from '@slipway/api';
import type { ProjectFile } from '@slipway/contracts';
import { type Around, type EnvironmentState, environmentOf, type Judged, timelineOf, type Wait, waitingFor } from '@slipway/release';
import type { z } from 'zod';
import type { EnvironmentFacts } from './domain/environment-view.js';
import { openPhases, stuckAfterMs, stuckSince } from './domain/stuck.js';
import { type After, Applied, Ledger, Logs, People, type ReleaseRow } from './ports.js';

type Summary = z.output<typeof ReleaseSummary>;
type Detail = z.output<typeof ReleaseDetail>;

/** What is known beside a project's releases, also what only finds those that are stuck. */
interface Here extends Around {
  readonly appliedAt: string;
  readonly taken: readonly { environment: string; release: string }[];
}

const never = new Date(0).toISOString();
/** How many releases are looked through for one that is stuck, the newest first, and how many at a time. */
const mostLookedAt = 1000;
const lookedAtOnce = 200;

/** Releases as people read them: the ledger's state with what it waits for, computed by the code that enforces it. */
@Injectable()
export class TellingReleases {
  constructor(
    private readonly ledger: Ledger,
    private readonly applied: Applied,
    private readonly people: People,
    private readonly logs: Logs,
  ) {}

  async summaries(rows: readonly ReleaseRow[]): Promise<Summary[]> {
    const around = await this.around([...new Set(rows.map(({ state }) => state.release.project))]);
    return rows.map((row) => summaryOf(row, around(row.state.release.project)));
  }

  async detail(row: ReleaseRow): Promise<Detail> {
    const { id, project } = row.state.release;
    const [around, story, logs] = await Promise.all([this.around([project]), this.ledger.story(id), this.logs.streams(id)]);
    const here = around(project);
    return {
      ...summaryOf(row, here),
      environments: row.state.environments.map((each) => inEnvironment(each, here.file)),
      timeline: timelineOf(story).map((entry) => ({
        at: entry.at,
        event: entry.name,
        id: entry.id,
        by: entry.by?.name ?? null,
        environment: entry.environment,
        en: entry.text.en,
        zh: entry.text.zh,
      })),
      logs: [...logs],
    };
  }

  /** Releases that should move and have not for ten minutes, the newest first. */
  async stuck(
    projects: readonly string[] | null,
  ): Promise<{ release: string; name: string; state: string; since: string; waitsFor: string }[]> {
    const rows = await this.quiet(projects);
    const around = await this.around([...new Set(rows.map(({ state }) => state.release.project))]);
    const lines = new Set<string>();
    return rows.flatMap(({ state, changedAt }) => {
      const { id, project, number, line } = state.release;
      const newest = !lines.has(`${project} ${line}`);
      lines.add(`${project} ${line}`);
      const { appliedAt, taken, ...here } = around(project);
      const waits = waitingFor(state, here);
      const others = new Set(taken.filter(({ release }) => release !== id).map(({ environment }) => environment));
      const since = stuckSince(waits, { state, changedAt, file: here.file, appliedAt, newest, taken: others, now: here.now });
      return since === undefined
        ? []
        : [{ release: id, name: `${project}/${number}`, state: state.phase, since, waitsFor: waits.map(({ text }) => text.en).join('; ') }];
    });
  }

  /** Releases that are at no end and have not moved for long enough to be stuck, the newest first. */
  private async quiet(projects: readonly string[] | null): Promise<ReleaseRow[]> {
    const quietSince = new Date((await this.ledger.now()).getTime() - stuckAfterMs);
    const found: ReleaseRow[] = [];
    for (let after: After | undefined; found.length < mostLookedAt; ) {
      const rows = await this.ledger.releases({ projects, phases: openPhases, quietSince, after, limit: lookedAtOnce });
      found.push(...rows);
      const last = rows.at(-1);
      if (!last || rows.length < lookedAtOnce) break;
      after = { at: last.bornAt, id: last.state.release.id };
    }
    return found;
  }

  /** What is known beside the releases of these projects, read once for all. */
  private async around(projects: readonly string[]): Promise<(project: string) => Here> {
    const [people, at, ...known] = await Promise.all([
      this.people.all(),
      this.ledger.now(),
      ...projects.map(async (project) => {
        const [row, environments] = await Promise.all([this.applied.find('project', project), this.ledger.environments(project)]);
        const taken = environments.flatMap(({ environment, running }) =>
          running?.value ? [{ environment, release: running.value.release.id }] : [],
        );
        const appliedAt = row?.appliedAt.toISOString() ?? never;
        return [project, { file: row?.file ?? null, appliedAt, held: holdsIn(environments), taken }] as const;
      }),
    ]);
    const byProject = new Map(known);
    const now = at.toISOString();
    return (project) => ({ people: people as readonly Judged[], now, file: null, appliedAt: never, taken: [], ...byProject.get(project) });
  }
}

function holdsIn(environments: readonly EnvironmentFacts[]): NonNullable<Around['held']> {
  return environments.flatMap(({ environment, held }) =>
    held?.value ? [{ environment, by: held.value.by, until: held.value.until }] : [],
  );
}

function summaryOf({ state, about, bornAt, changedAt }: ReleaseRow, around: Around): Summary {
  return {
    release: state.release,
    state: state.phase,
    title: about.title,
    authors: [...about.authors],
    image: state.image,
    retired: state.retired
      ? { since: state.retired.at, removed: state.retired.removedAt, refused: state.retired.refused?.message ?? null }
      : null,
    waitingFor: waitingFor(state, around).map((wait) => inWords(wait, state.environments)),
    bornAt,
    changedAt,
  };
}

function inWords(wait: Wait, environments: readonly EnvironmentState[]): z.output<typeof Waiting> {
  const since = wait.since ?? environments.find(({ environment }) => environment === wait.environment)?.since ?? null;
  return {
    code: wait.code,
    environment: wait.environment,
    en: wait.text.en,
    zh: wait.text.zh,
    since,
    people: (wait.people ?? []).map(({ name }) => name),
  };
}

function inEnvironment(state: EnvironmentState, file: ProjectFile | null): z.output<typeof ReleaseInEnvironment> {
  const stage = state.stage ?? (file && environmentOf(file, state.environment)?.stage) ?? 'pre-release';
  return {
    environment: state.environment,
    stage,
    state: state.status,
    request: state.request?.request ?? null,
    address: state.address,
    since: state.since,
  };
}
