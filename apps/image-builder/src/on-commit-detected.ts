import { Injectable } from '@nestjs/common';
import type { CommitDetected, ImageReference } from '@slipway/contracts';
import { type Cause, type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
import { type Build, born, decide } from './domain/build.js';
import { knownProvenance } from './domain/provenance.js';
import { Builds, RetiredImages } from './ports.js';
import { ProvenanceSigning } from './provenance-signing.js';
import { Settling } from './settling.js';

/** A release is born: build it, or say at once which image it is. */
@Injectable()
export class OnCommitDetected implements Handler<typeof CommitDetected> {
  constructor(
    private readonly builds: Builds,
    private readonly signing: ProvenanceSigning,
    private readonly settling: Settling,
    private readonly retired: RetiredImages,
  ) {}

  async handle(event: Received<typeof CommitDetected>, unit: UnitOfWork): Promise<void> {
    const { release, projectVersion } = event.data;
    const image = event.data.image && (await this.kept(unit, event.data.image));
    const cause = {
      causationId: event.id,
      correlationId: release.id,
      ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    };
    const file = image ? null : await this.builds.project(unit.tx, release.project, projectVersion);
    if (file === undefined) throw new NotYet(`version ${projectVersion} of project ${release.project} has not been heard of yet`);
    const build = born({ ...event.data, image }, file);
    if (!(await this.builds.add(unit.tx, build, cause))) return;
    if (image) await this.known(unit, build, image);
    else if (build.recipe === null) await this.removed(unit, build);
    else await this.queue(unit, build, cause);
  }

  /** The image a release was born with, if it is still there: one that was retired is built anew, for it goes, or is gone. */
  private async kept(unit: UnitOfWork, image: ImageReference): Promise<ImageReference | null> {
    return (await this.retired.retired(unit.tx, image.digest)) ? null : image;
  }

  /** The project went while the release was under way: that is the release's end, not a secret. */
  private async removed(unit: UnitOfWork, build: Build): Promise<void> {
    const reason = { code: 'project-removed', message: `project ${build.release.project} was removed` };
    await this.settling.settle(unit, build, decide(build, { kind: 'failed', reason, step: null, logTail: [], seconds: 0 }));
  }

  private async known(unit: UnitOfWork, build: Build, image: ImageReference): Promise<void> {
    const at = unit.now.toISOString();
    const of = await this.builds.builtAs(unit.tx, build.release.project, image.digest);
    const made = {
      release: build.release,
      projectVersion: build.projectVersion,
      image,
      invocation: 'known',
      startedOn: at,
      finishedOn: at,
    };
    const provenance = await this.signing.sign(knownProvenance(made, of));
    await this.settling.settle(unit, build, decide(build, { kind: 'built', image, built: false, seconds: 0, provenance }), { provenance });
  }

  /** Releases of one line may arrive in any order: it takes the place of older ones, or a newer one has taken its own. */
  private async queue(unit: UnitOfWork, build: Build, cause: Cause): Promise<void> {
    await this.settling.owe(unit, build, cause);
    const { project, line, kind } = build.release;
    if (kind !== 'commit') return;
    const newest = (await this.builds.newestOf(unit.tx, project, line)) ?? 0;
    for (const open of await this.builds.openOf(unit.tx, project, line)) {
      // How eagerly an older build gives way is for the newest project file to say.
      const older = { ...open, supersede: build.supersede };
      await this.settling.settle(unit, open, decide(older, { kind: 'overtaken', by: newest }));
    }
  }
}
