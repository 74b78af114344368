import { Inject, Injectable } from '@nestjs/common';
import { ImageRetired } from '@slipway/contracts';
import { Messaging } from '@slipway/messaging';
import type { Reconciliation } from '@slipway/operations';
import { waitingFor } from '@slipway/release';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { type Keeper, newestOfLines, type Spare, spareImages } from './domain/image-retention.js';
import type { GatewayConfig } from './gateway.config.js';
import { Applied, Ledger, Retention } from './ports.js';

/** Images that one transaction retires: commands wait for it. */
const imagesAtOnce = 50;
/** How long to wait, in ms, until what was said so far is in the ledger. */
const catchUpMs = 30_000;
/** Releases that one event names. */
const releasesAtOnce = 1000;

/**
 * Says which images are needed no longer (docs/adr/0011): here alone is known how every release ended and what ran in every environment. Releases that were
 * retired take no command that needs their image; image-builder removes it.
 */
@Injectable()
export class RetiringImages implements Reconciliation {
  readonly name = 'images';
  readonly everySeconds = 3600;

  constructor(
    private readonly retention: Retention,
    private readonly ledger: Ledger,
    private readonly applied: Applied,
    private readonly messaging: Messaging,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    await this.retention.follow();
    const { SLIPWAY_KEEP_IMAGES_DAYS: days } = this.config;
    if (days === 0 || !(await this.knowsAll(signal))) return;
    const since = await this.retention.daysAgo(days);
    const named = await this.retention.named();
    for (const project of await this.retention.projects(since)) {
      signal.throwIfAborted();
      const spare = await this.spareIn(project, since, named);
      for (let at = 0; at < spare.length && !signal.aborted; at += imagesAtOnce)
        await this.retire(project, spare.slice(at, at + imagesAtOnce), since);
    }
  }

  /** A ledger that is behind, or lacks what a newer service told, may have nothing of what runs. Then all stays for now. */
  private async knowsAll(signal: AbortSignal): Promise<boolean> {
    if (!this.messaging.health().ready) return false;
    const heard = await this.messaging.hasHeardAll(AbortSignal.any([signal, AbortSignal.timeout(catchUpMs)]));
    return heard && (await this.retention.understoodAll());
  }

  private async spareIn(project: string, since: Date, named: ReadonlySet<string>): Promise<Spare[]> {
    const [releases, environments] = await Promise.all([this.retention.releasesOf(project), this.ledger.environments(project)]);
    const waiting = await this.waiting(project, releases, since);
    return spareImages({ releases, environments, waiting, named }, { since: since.toISOString(), newest: this.config.SLIPWAY_KEEP_IMAGES });
  }

  /** By the code that says what a release waits for: what is not over goes on, however long it was held. */
  private async waiting(project: string, releases: readonly Keeper[], since: Date): Promise<ReadonlySet<string>> {
    const file = (await this.applied.find('project', project))?.file ?? null;
    const waiting = new Set<string>();
    for (const { id, changedAt } of newestOfLines(releases.filter(({ image }) => image !== null))) {
      if (Date.parse(changedAt) >= since.getTime()) continue;
      const row = await this.ledger.release(id);
      const waits = row ? waitingFor(row.state, { file, people: [], now: since.toISOString() }) : [];
      if (waits.some(({ code }) => code !== 'live' && code !== 'ended')) waiting.add(id);
    }
    return waiting;
  }

  private async retire(project: string, spare: readonly Spare[], since: Date): Promise<void> {
    const rule = { days: this.config.SLIPWAY_KEEP_IMAGES_DAYS, newest: this.config.SLIPWAY_KEEP_IMAGES };
    await this.messaging.transact(async (unit) => {
      const all = spare.flatMap(({ releases }) => releases);
      const unasked = await this.retention.unasked(unit.tx, all, since);
      // A file may name one since it was looked for.
      const pinned = await this.retention.named(unit.tx);
      const going = spare.filter(({ image, releases }) => !pinned.has(image.digest) && releases.every(({ id }) => unasked.has(id)));
      for (const { image, releases } of going)
        for (let at = 0; at < releases.length; at += releasesAtOnce) {
          const named = releases.slice(at, at + releasesAtOnce).map(({ id, number }) => ({ id, number }));
          unit.publish(ImageRetired, { subject: project, data: { project, image, releases: named, rule } });
        }
      await this.retention.retire(
        unit.tx,
        going.flatMap(({ releases }) => releases.map(({ id }) => id)),
      );
    });
  }
}
