import { Injectable } from '@nestjs/common';
import type { ReleaseDetail, ReleaseInEnvironment, ReleaseSummary, Waiting } from '@slipway/api';
import type { ProjectFile } from '@slipway/contracts';
import { type Around, type EnvironmentState, environmentOf, type Judged, timelineOf, type Wait, waitingFor } from '@slipway/release';
import type { z } from 'zod';
import type { EnvironmentFacts } from './domain/environment-view.js';
import { Applied, Ledger, Logs, People, type ReleaseRow } from './ports.js';

type Summary = z.output<typeof ReleaseSummary>;
type Detail = z.output<typeof ReleaseDetail>;

/** Parts of a wait that end only when something of ours moves on; a release that waits long for one of these is stuck. */
const moving = new Set<Wait['code']>([
  'build-queue',
  'build',
  'deployment',
  'verification',
  'request',
  'grant',
  'rollout-queue',
  'rollout',
  'away',
]);
/** Phases whose releases should be moving. */
const movingPhases = ['detected', 'building', 'testing', 'rolling-out'];
const stuckAfterMs = 10 * 60_000;
const mostStuck = 200;

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

  /** Releases that should move and have not for ten minutes. */
  async stuck(projects: readonly string[] | null): Promise<{ release: string; state: string; since: string }[]> {
    const quietSince = new Date(Date.now() - stuckAfterMs);
    const rows = await this.ledger.releases({ projects, phases: movingPhases, quietSince, limit: mostStuck });
    const around = await this.around([...new Set(rows.map(({ state }) => state.release.project))]);
    return rows
      .filter((row) => waitingFor(row.state, around(row.state.release.project)).some(({ code }) => moving.has(code)))
      .map((row) => ({ release: row.state.release.id, state: row.state.phase, since: row.changedAt }));
  }

  /** What is known beside the releases of these projects, read once for all. */
  private async around(projects: readonly string[]): Promise<(project: string) => Around> {
    const [people, ...known] = await Promise.all([
      this.people.all(),
      ...projects.map(async (project) => {
        const [row, environments] = await Promise.all([this.applied.find('project', project), this.ledger.environments(project)]);
        return [project, { file: row?.file ?? null, held: holdsIn(environments) }] as const;
      }),
    ]);
    const byProject = new Map(known);
    const now = new Date().toISOString();
    return (project) => ({ people: people as readonly Judged[], now, file: null, ...byProject.get(project) });
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
    waitingFor: waitingFor(state, around).map((wait) => inWords(wait, state.environments)),
    bornAt,
    changedAt,
  };
}

function inWords(wait: Wait, environments: readonly EnvironmentState[]): z.output<typeof Waiting> {
  const since = environments.find(({ environment }) => environment === wait.environment)?.since ?? null;
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
