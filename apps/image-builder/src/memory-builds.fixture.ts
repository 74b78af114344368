import { isDeepStrictEqual } from 'node:util';
import type { DsseEnvelope, ProjectFile } from '@slipway/contracts';
import type { Cause } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import type { Build } from './domain/build.js';
import { Builds, type KeptBuild, RetiredImages } from './ports.js';

/** {@link Builds} of one project in memory, in the order they came, for exploring many stories a second. */
export class MemoryBuilds extends Builds {
  private kept: readonly Build[];

  constructor(
    kept: readonly Build[],
    private readonly file: ProjectFile,
  ) {
    super();
    this.kept = kept;
  }

  all(): readonly Build[] {
    return this.kept;
  }

  async keepProject(): Promise<void> {}

  async project(): Promise<ProjectFile> {
    return this.file;
  }

  async add(_: Tx, build: Build, __: Cause): Promise<boolean> {
    if (this.kept.some(({ release }) => release.id === build.release.id)) return false;
    this.kept = [...this.kept, build];
    return true;
  }

  async find(_: Tx, id: string): Promise<KeptBuild | undefined> {
    const build = this.kept.find(({ release }) => release.id === id);
    return build && { build, cause: {}, createdAt: new Date(0), startedAt: null, provenance: null };
  }

  async save(_: Tx, build: Build, __?: DsseEnvelope): Promise<void> {
    this.kept = this.kept.map((each) => (each.release.id === build.release.id ? build : each));
  }

  async openOf(_: Tx, __: string, line: string): Promise<Build[]> {
    return this.kept.filter(({ release, state }) => release.line === line && release.kind === 'commit' && isOpen(state));
  }

  async newestOf(_: Tx, __: string, line: string): Promise<number | undefined> {
    const numbers = this.kept
      .filter(({ release }) => release.line === line && release.kind === 'commit')
      .map(({ release }) => release.number);
    return numbers.length > 0 ? Math.max(...numbers) : undefined;
  }

  async twinOf(_: Tx, build: Build): Promise<Build | undefined> {
    const twins = this.same(build).filter(
      ({ state, release }) => state === 'built' || state === 'building' || (state === 'queued' && release.number < build.release.number),
    );
    const rank = ({ state }: Build) => (state === 'built' ? 0 : state === 'building' ? 1 : 2);
    return twins.toSorted((one, other) => rank(one) - rank(other) || one.release.number - other.release.number)[0];
  }

  async waitingFor(_: Tx, build: Build): Promise<Build[]> {
    return this.same(build).filter(({ state }) => state === 'queued');
  }

  async builtAs(): Promise<null> {
    return null;
  }

  async open(): Promise<Build[]> {
    return this.kept.filter(({ state }) => isOpen(state));
  }

  private same({ release, recipe }: Build): Build[] {
    return this.kept.filter(
      (each) => each.release.id !== release.id && each.release.revision === release.revision && isDeepStrictEqual(each.recipe, recipe),
    );
  }
}

/** {@link RetiredImages} where every image is kept. */
export class NothingRetired extends RetiredImages {
  async retired(): Promise<undefined> {}

  async isMarked(): Promise<boolean> {
    return false;
  }

  async retire(): Promise<void> {}

  async pushedAs(): Promise<ReadonlySet<string>> {
    return new Set();
  }
}

function isOpen(state: Build['state']): boolean {
  return state === 'queued' || state === 'building';
}
