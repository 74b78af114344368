import { Injectable } from '@nestjs/common';
import { catalog, type Service, services } from '@slipway/contracts';
import { DoctorWarnings } from './doctor-warnings.js';
import { imageWarnings } from './image-warnings.js';
import { Obstacles } from './obstacles.js';
import { Journal, Retention } from './ports.js';
import { TellingReleases } from './telling-releases.js';

/** What this version is called. */
export const version = '0.1.0';

/** Within which a service that runs has answered what it must, in seconds. */
const answeredWithin = 60;

/** Stuck releases of which it is said what is in their way. */
const mostExplained = 20;

/** How the installation is, as far as the gateway can see it: what `slipway doctor` reads. */
@Injectable()
export class DoctorStatus {
  constructor(
    private readonly journal: Journal,
    private readonly releases: TellingReleases,
    private readonly warnings: DoctorWarnings,
    private readonly obstacles: Obstacles,
    private readonly retention: Retention,
  ) {}

  /** Of these projects (null: all of them) and of the installation. */
  async status(projects: readonly string[] | null) {
    const [newest, heard, stuck, warnings, images] = await Promise.all([
      this.journal.newest(),
      this.journal.lastHeard(),
      this.releases.stuck(projects),
      this.warnings.all(projects),
      imageWarnings(this.retention, projects),
    ]);
    return {
      version,
      journal: { events: Number(newest.seq), newest: newest.at?.toISOString() ?? null },
      services: await Promise.all(
        services.map(async (service) => ({
          service,
          lastHeard: heard.get(service)?.toISOString() ?? null,
          owes: heard.has(service) ? false : await this.owes(service),
        })),
      ),
      stuck: await this.explained(stuck, heard),
      warnings: [...warnings, ...images],
    };
  }

  /** What is in the way of each of them, of as many as people read. */
  private async explained(stuck: Awaited<ReturnType<TellingReleases['stuck']>>, heard: ReadonlyMap<string, Date>) {
    const explained = [];
    for (const [at, each] of stuck.entries())
      explained.push({ ...each, why: at < mostExplained ? await this.obstacles.of(each.release, heard) : [] });
    return explained;
  }

  /** Whether a service that was never heard of should have been: a new installation has had nothing for some of them yet. */
  private async owes(service: Service): Promise<boolean> {
    const names = [...catalog.values()].filter(({ actedOnBy }) => actedOnBy.includes(service)).map(({ name }) => name);
    return this.journal.has(names, answeredWithin);
  }
}
