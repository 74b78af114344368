import { Injectable } from '@nestjs/common';
import { inSeconds, SourceFailed, SourceRecovered } from '@slipway/contracts';
import type { UnitOfWork } from '@slipway/messaging';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type Heads, SourceError } from '@slipway/source-control';
import { Births } from './births.js';
import { decideMovement } from './domain/decide-movement.js';
import { type Movement, movements } from './domain/movements.js';
import { restMs, worthSaying } from './domain/poll-pace.js';
import { type Candidate, takenAtRegistration, type Watched, watches } from './domain/registration.js';
import { Gathering, type Look } from './gathering.js';
import { type PollInput, pollKind } from './polling.js';
import { Repositories, Sources, type WatchedSource } from './ports.js';
import type { Sighting } from './sighting.js';
import { SourceWatcherMetrics } from './source-watcher.metrics.js';

/** How many refs that stood there already are settled in one transaction. */
const settledAtOnce = 200;

/** Looks at one source for ever, at its interval, sooner when a webhook or a person asks: what it sees becomes releases. */
@Injectable()
export class RunPoll implements Work<PollInput> {
  readonly kind = pollKind;
  readonly concurrency = 8;
  readonly yields = 'each';
  /** A large first fetch may take this long. Nothing outside is changed, so an overtaken poll harms nobody. */
  readonly callTimeoutMs = 600_000;

  constructor(
    private readonly sources: Sources,
    private readonly repositories: Repositories,
    private readonly gathering: Gathering,
    private readonly births: Births,
    private readonly metrics: SourceWatcherMetrics,
  ) {}

  async run(claim: Claim<PollInput>): Promise<Outcome> {
    const { project, generation } = claim.operation.input;
    const source = await this.sources.find(project);
    if (!source?.file || source.generation !== generation) return { done: true };
    const { git, svn } = source.file.spec.source;
    const every = inSeconds((git ?? svn)?.poll ?? '60s');
    try {
      await this.poll(claim, source);
      this.metrics.polls.inc({ outcome: 'succeeded' });
      return { again: { afterMs: restMs(every, 0, Math.random()), reason: 'polled' } };
    } catch (error) {
      claim.signal.throwIfAborted();
      if (!(error instanceof SourceError)) throw error;
      const failures = await this.fail(claim, project, error);
      this.metrics.polls.inc({ outcome: 'failed' });
      return { again: { afterMs: restMs(every, failures, Math.random()), reason: error.reason } };
    }
  }

  private async poll(claim: Claim<PollInput>, source: WatchedSource): Promise<void> {
    const file = source.file;
    if (!file) return;
    const { control, source: place } = this.repositories.of(source.project, file);
    const seen = await control.heads(place, { signal: claim.signal });
    const moved = movements(await this.sources.knownHeads(source.project), seen.heads);
    const look: Look = { project: source.project, file, heads: seen.heads, signal: claim.signal };
    if (moved.some(({ to }) => to !== null)) await control.fetch(place, { signal: claim.signal });
    const late = await this.settleWhatStood(claim, source, look, moved);
    for (const movement of late) await this.settle(claim, source, look, movement);
    if (seen.heads.length === 0)
      throw new SourceError('no-match', `no branch and no tag matches ${[...place.branches, ...place.tags].join(', ')}`);
    await this.afterwards(claim, source, seen);
  }

  /** What stood there when it began to be watched and is not taken is the past: settled many at a time. Returns what is left to settle. */
  private async settleWhatStood(claim: Claim, source: WatchedSource, look: Look, moved: readonly Movement[]): Promise<Movement[]> {
    const watched = watchedBy(source);
    const stood = moved.filter((movement) => movement.to !== null && isNewlyWatched(source, movement));
    const candidates = await this.candidates(look, watched, stood);
    const taken = takenAtRegistration(watched, candidates);
    const past = stood.filter(({ ref }) => !taken.has(ref));
    for (let at = 0; at < past.length; at += settledAtOnce) {
      await this.locked(claim, source, async (unit) => {
        for (const movement of past.slice(at, at + settledAtOnce)) {
          const decision = decideMovement(watched, {
            movement,
            stood: true,
            taken: false,
            revisions: [],
            direction: 'new',
            changedPaths: null,
            badFile: null,
            awaitsImage: false,
          });
          if (decision.kind !== 'ignore' || movement.to === null) continue;
          await this.sources.keepHead(unit.tx, source.project, { ref: movement.ref, revision: movement.to });
          await this.births.ignore(unit, source.project, movement.ref, decision.revisions, decision.reason);
        }
      });
    }
    return moved.filter((movement) => !past.includes(movement));
  }

  /** Commit times are only asked for where they decide: among branches that no pattern names in full. */
  private async candidates(look: Look, watched: Watched, stood: readonly Movement[]): Promise<Candidate[]> {
    const heads = stood.flatMap(({ ref, to }) => (to !== null && ref.startsWith('refs/heads/') ? [{ ref, revision: to }] : []));
    if (watched.branches.some((pattern) => !/[*?{]/.test(pattern))) return heads.map(({ ref }) => ({ ref, committedAt: '' }));
    return this.gathering.committedAt(look, heads.slice(0, 200));
  }

  private async settle(claim: Claim, source: WatchedSource, look: Look, movement: Movement): Promise<void> {
    const watched = watchedBy(source);
    if (movement.to === null) {
      const decision = decideMovement(watched, {
        movement,
        stood: false,
        taken: false,
        revisions: [],
        direction: 'gone',
        changedPaths: null,
        badFile: null,
        awaitsImage: false,
      });
      if (decision.kind === 'gone')
        await this.locked(claim, source, (unit) => this.births.gone(unit, source.project, movement, decision.notice));
      return;
    }
    const sighting = await this.sighted(look, movement, isNewlyWatched(source, movement));
    if (!sighting) return this.locked(claim, source, (unit) => this.noCommit(unit, source.project, movement));
    const decision = decideMovement(watched, sighting.facts);
    if (decision.kind === 'wait' || decision.kind === 'gone') return;
    await this.locked(claim, source, (unit, current) => this.births.settle(unit, current, sighting, decision));
  }

  /** Undefined where the ref leads to no commit: a tag may mark a single file, and a branch may have moved on between two questions. */
  private async sighted(look: Look, movement: Movement & { to: string }, stood: boolean): Promise<Sighting | undefined> {
    try {
      return await this.gathering.gather(look, movement, stood);
    } catch (error) {
      if (error instanceof SourceError && error.reason === 'unknown-revision') return undefined;
      throw error;
    }
  }

  private async noCommit(unit: UnitOfWork, project: string, { ref, to }: Movement & { to: string }): Promise<void> {
    await this.sources.keepHead(unit.tx, project, { ref, revision: to });
    await this.births.ignore(unit, project, ref, [to], {
      code: 'no-commit',
      message: `${ref} leads to no commit, or not to this one any more`,
    });
  }

  private async afterwards(claim: Claim, source: WatchedSource, seen: Heads): Promise<void> {
    const watched = watchedBy(source);
    const same =
      source.watched && JSON.stringify([source.watched.branches, source.watched.tags]) === JSON.stringify([watched.branches, watched.tags]);
    // An idle source writes nothing.
    if (same && !source.failure && !source.asked) return;
    await this.locked(claim, source, async (unit, current) => {
      await this.sources.polled(unit.tx, source.project, { branches: watched.branches, tags: watched.tags }, seen.uuid);
      if (!current.failure?.said) return;
      const afterSeconds = Math.max(0, (unit.now.getTime() - current.failure.since.getTime()) / 1000);
      unit.publish(SourceRecovered, { subject: source.project, data: { project: source.project, afterSeconds } });
    });
  }

  /** Returns how often in a row it has failed now. */
  private async fail(claim: Claim, project: string, error: SourceError): Promise<number> {
    return claim.transact(async (unit) => {
      const source = await this.sources.lock(unit.tx, project);
      if (!source) return 1;
      const count = (source.failure?.count ?? 0) + 1;
      const say = worthSaying({
        passes: error.passes,
        count,
        said: source.failure?.said ?? false,
        other: source.failure?.code !== error.reason,
      });
      await this.sources.failed(unit.tx, project, { code: error.reason, said: say });
      if (say) {
        const since = (source.failure?.since ?? unit.now).toISOString();
        unit.publish(SourceFailed, {
          subject: project,
          data: { project, reason: { code: error.reason, message: error.message.slice(0, 4000) }, since },
        });
      }
      return count;
    });
  }

  /** Under the source's lock, unless it was removed, or is another one by now. */
  private async locked(
    claim: Claim,
    source: WatchedSource,
    work: (unit: UnitOfWork, current: WatchedSource) => Promise<unknown>,
  ): Promise<void> {
    await claim.transact(async (unit) => {
      const current = await this.sources.lock(unit.tx, source.project);
      if (current?.file && current.generation === source.generation) await work(unit, current);
    });
  }
}

/** New to us, and not because somebody made it just now: nothing watched it at the last poll. */
function isNewlyWatched(source: WatchedSource, movement: Movement): boolean {
  return movement.from === null && (source.watched === null || !watches(source.watched, movement.ref));
}

function watchedBy(source: WatchedSource): Watched & { paths: readonly string[] } {
  const { git, svn } = source.file?.spec.source ?? {};
  return git ?? svn ?? { branches: [], tags: [], paths: [] };
}
