import type { Person, Release } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Link } from './domain/change.js';
import { type AppliedProject, type AppliedTarget, Knowledge, type KnownRelease, type Passage, type Runs, type Standing } from './ports.js';

/** What approval was told of one project and one target. */
export interface Known {
  readonly project: AppliedProject;
  readonly releases: readonly (KnownRelease & { readonly merged: readonly number[] | null })[];
  readonly passages: readonly Passage[];
  /** Of its one environment that asks. */
  readonly runs: Release | null;
  readonly since: string;
  readonly barred: readonly number[];
}

/** {@link Knowledge} of one project in memory, where one transaction is never under way beside another, for exploring many stories a second. */
export class MemoryKnowledge extends Knowledge {
  constructor(
    private known: Known,
    private readonly around: { readonly target: AppliedTarget; readonly people: readonly Person[] },
  ) {
    super();
  }

  all(): Known {
    return this.known;
  }

  async alone(): Promise<void> {}
  async whileStands(): Promise<void> {}
  async whenUnread(): Promise<void> {}
  async keepSecrets(): Promise<void> {}

  async keepProject(_: Tx, project: AppliedProject): Promise<boolean> {
    const isNews = project.version > this.known.project.version;
    if (isNews) this.change({ project });
    return isNews;
  }

  async keepTarget(): Promise<boolean> {
    return false;
  }

  async keepPerson(): Promise<boolean> {
    return false;
  }

  async keepRelease(_: Tx, release: KnownRelease, merged: readonly number[] | null): Promise<void> {
    if (this.known.releases.some((each) => each.release.id === release.release.id)) return;
    this.change({ releases: [...this.known.releases, { ...release, merged }] });
  }

  async withdraw(_: Tx, { release: { id } }: KnownRelease): Promise<void> {
    this.change({ releases: this.known.releases.map((each) => (each.release.id === id ? { ...each, withdrawn: true } : each)) });
  }

  async keepPassage(_: Tx, passage: Passage): Promise<void> {
    const others = this.known.passages.filter((each) => each.release.id !== passage.release.id || each.environment !== passage.environment);
    this.change({ passages: [...others, passage] });
  }

  async keepStanding(_: Tx, __: unknown, what: Runs | null, at: Date): Promise<boolean> {
    const since = at.toISOString();
    if (this.known.since > since) return false;
    this.change({ runs: what?.release ?? null, since });
    return true;
  }

  async bar(_: Tx, __: string, ___: string, number: number): Promise<void> {
    this.change({ barred: [...this.known.barred.filter((each) => each !== number), number] });
  }

  async unbar(_: Tx, __: string, ___: string, number: number): Promise<void> {
    this.change({ barred: this.known.barred.filter((each) => each !== number) });
  }

  async project(): Promise<AppliedProject> {
    return this.known.project;
  }

  async target(): Promise<AppliedTarget> {
    return this.around.target;
  }

  async people(): Promise<readonly Person[]> {
    return this.around.people;
  }

  async everybody(): Promise<readonly Person[]> {
    return this.around.people;
  }

  async person(_: Tx, id: string): Promise<Person | undefined> {
    return this.around.people.find((person) => person.id === id);
  }

  async secrets(): Promise<ReadonlyMap<string, string>> {
    return new Map();
  }

  async release(_: Tx, id: string): Promise<KnownRelease | undefined> {
    return this.known.releases.find(({ release }) => release.id === id);
  }

  async linksUpTo(_: Tx, __: string, most: number): Promise<readonly Link[]> {
    return this.known.releases
      .filter(({ release }) => release.number <= most)
      .map(({ release: { number, line, revision }, from, merged }) => ({ number, line, revision, from, merged }));
  }

  async releasesOf(_: Tx, __: string, numbers: readonly number[]): Promise<readonly KnownRelease[]> {
    return this.known.releases.filter(({ release }) => numbers.includes(release.number));
  }

  async passage(_: Tx, release: string, environment: string): Promise<Passage | undefined> {
    return this.known.passages.find((each) => each.release.id === release && each.environment === environment);
  }

  async passed(_: Tx, release: string): Promise<readonly string[]> {
    return this.known.passages.filter((each) => each.release.id === release).map(({ environment }) => environment);
  }

  async recentPassages(): Promise<readonly Passage[]> {
    return this.known.passages.toSorted((one, other) => (one.passedAt < other.passedAt ? 1 : -1));
  }

  async projectsOn(): Promise<readonly string[]> {
    return [this.known.project.name];
  }

  async standing(_: Tx, project: string, environment: string): Promise<Standing | undefined> {
    const { runs, barred } = this.known;
    return { project, environment, release: runs, image: null, address: null, barred };
  }

  async running(): Promise<Release | null> {
    return this.known.runs;
  }

  private change(change: Partial<Known>): void {
    this.known = { ...this.known, ...change };
  }
}
