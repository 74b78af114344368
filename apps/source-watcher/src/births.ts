import { Injectable } from '@nestjs/common';
import { CommitDetected, CommitFolded, CommitIgnored, type PersonReference, type Reason, type Release } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import { v7 } from 'uuid';
import { ancestorOfAgain } from './domain/configuration.js';
import type { Decision } from './domain/decide-movement.js';
import type { Movement } from './domain/movements.js';
import { commitsForEvent, peopleOf } from './domain/people.js';
import { type Born, Releases, Sources, type WatchedSource } from './ports.js';
import type { Sighting } from './sighting.js';
import { SourceWatcherMetrics } from './source-watcher.metrics.js';

/** Writes down what was decided about a revision and says it, in the caller's transaction and under the source's lock. */
@Injectable()
export class Births {
  constructor(
    private readonly sources: Sources,
    private readonly releases: Releases,
    private readonly metrics: SourceWatcherMetrics,
  ) {}

  /** The outcome of one movement. A revision that has its outcome already moves the head and nothing else. */
  async settle(
    unit: UnitOfWork,
    source: WatchedSource,
    sighting: Sighting,
    decision: Exclude<Decision, { kind: 'wait' | 'gone' }>,
  ): Promise<void> {
    const { movement } = sighting.facts;
    const revision = movement.to;
    if (revision === null) throw new Error('only a movement that leads somewhere has a revision to settle');
    await this.sources.keepHead(unit.tx, source.project, { ref: movement.ref, revision });
    if (decision.kind === 'ignore') return this.ignore(unit, source.project, movement.ref, decision.revisions, decision.reason);
    const unrecorded = await this.releases.unrecorded(unit.tx, source.project, movement.ref, [revision, ...decision.folded]);
    if (decision.notice) this.notice(unit, source.project, movement.ref, decision.notice);
    if (!unrecorded.has(revision)) return;
    const release = await this.born(unit, source, sighting, { ref: movement.ref, revision, kind: decision.release });
    await this.releases.record(unit.tx, source.project, movement.ref, [revision], { kind: 'release', number: release.number });
    const folded = decision.folded.filter((each) => unrecorded.has(each));
    if (folded.length === 0) return;
    await this.releases.record(unit.tx, source.project, movement.ref, folded, { kind: 'folded', number: release.number });
    for (const each of folded) {
      unit.publish(CommitFolded, {
        subject: release.id,
        correlationId: release.id,
        data: { project: source.project, ref: movement.ref, revision: each, into: release },
      });
    }
  }

  /** Revisions of which nothing comes, each once. */
  async ignore(unit: UnitOfWork, project: string, ref: string, revisions: readonly string[], reason: Reason): Promise<void> {
    const unrecorded = [...(await this.releases.unrecorded(unit.tx, project, ref, revisions))];
    await this.releases.record(unit.tx, project, ref, unrecorded, { kind: 'ignored', reason });
    for (const revision of unrecorded) unit.publish(CommitIgnored, { subject: project, data: { project, ref, revision, reason } });
    // A branch taken back stands at a revision that has its outcome; that it was taken back is said nevertheless.
    if (unrecorded.length === 0 && reason.code === 'rewound') this.notice(unit, project, ref, reason);
  }

  /** A branch or tag that is no more; nothing is said of one that is only watched no longer. */
  async gone(unit: UnitOfWork, project: string, movement: Movement, notice: Reason | null): Promise<void> {
    await this.sources.dropHead(unit.tx, project, movement.ref);
    if (notice) this.notice(unit, project, movement.ref, notice);
  }

  /** The same image as a new release, because what an environment would run is another: a changed project file or secret. */
  async again(
    unit: UnitOfWork,
    source: { project: string; version: number },
    base: Born,
    person: PersonReference | null,
  ): Promise<Release> {
    const id = v7();
    const number = await this.sources.allocate(unit.tx, source.project);
    const ancestorOf = ancestorOfAgain(base.release, await this.releases.onLineSince(unit.tx, base.release));
    const release: Release = { ...base.release, id, number, kind: 'configuration', ancestorOf };
    const born: Born = { release, projectVersion: source.version, repositoryFile: base.repositoryFile, image: base.image, building: false };
    await this.releases.keep(unit.tx, born);
    unit.publish(CommitDetected, {
      subject: id,
      correlationId: id,
      data: {
        release,
        projectVersion: source.version,
        range: { from: base.release.revision, commits: [], total: 0, merged: [] },
        people: [],
        pusher: null,
        trigger: { kind: 'project', person },
        repositoryFile: base.repositoryFile,
        image: base.image,
      },
    });
    this.metrics.releases.inc({ kind: 'configuration' });
    return release;
  }

  private async born(
    unit: UnitOfWork,
    source: WatchedSource,
    sighting: Sighting,
    at: Pick<Release, 'ref' | 'revision' | 'kind'>,
  ): Promise<Release> {
    const { line, ancestorOf, committedAt, repositoryFile, image, range, merged } = sighting;
    const number = await this.sources.allocate(unit.tx, source.project);
    const release: Release = { id: v7(), project: source.project, number, ...at, line, ancestorOf: [...ancestorOf], committedAt };
    await this.releases.keep(unit.tx, { release, projectVersion: source.version, repositoryFile, image, building: image === null });
    unit.publish(CommitDetected, {
      subject: release.id,
      correlationId: release.id,
      data: {
        release,
        projectVersion: source.version,
        range: { from: range.from, commits: commitsForEvent(range.commits), total: range.commits.length, merged: merged.slice(0, 200) },
        people: peopleOf(range.commits, sighting.otherPushers, !range.truncated),
        pusher: sighting.pusher,
        trigger: triggerOf(source, sighting),
        repositoryFile,
        image,
      },
    });
    this.metrics.releases.inc({ kind: release.kind });
    return release;
  }

  private notice(unit: UnitOfWork, project: string, ref: string, reason: Reason): void {
    unit.publish(CommitIgnored, { subject: project, data: { project, ref, revision: null, reason } });
  }
}

function triggerOf(
  source: WatchedSource,
  { byWebhook }: Sighting,
): { kind: 'webhook' | 'command' | 'poll'; person: PersonReference | null } {
  if (byWebhook) return { kind: 'webhook', person: null };
  return source.asked ? { kind: 'command', person: source.asked } : { kind: 'poll', person: null };
}
