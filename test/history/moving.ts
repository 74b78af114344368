import { ProjectApplied, type ProjectFile, type Release } from '@slipway/contracts';
import picomatch from 'picomatch';
import type { Facts, SaidOf } from './facts.ts';

/** What is still to be done, by the tables: work that is owed, and what was said and is not answered. */
export class Moving {
  readonly #owed: ReadonlySet<string>;
  readonly #unheard: ReadonlySet<string>;

  constructor(facts: Facts, services: readonly string[]) {
    this.#owed = new Set(
      services.flatMap((service) =>
        facts
          .rows(service, 'operation')
          .filter(({ state }) => state === 'ready' || state === 'running')
          .map(({ kind, key }) => `${service} ${String(kind)} ${String(key)}`),
      ),
    );
    this.#unheard = new Set(
      services.flatMap((service) => facts.rows(service, 'handoff').map((row) => `${String(row['event_id'])} ${String(row['service'])}`)),
    );
  }

  /** Whether this work is owed and not given up. */
  owes(service: string, kind: string, key: string): boolean {
    return this.#owed.has(`${service} ${kind} ${key}`);
  }

  /** Whether the sender still says this event again, because that service has not answered. */
  isUnheard(event: string, by: string): boolean {
    return this.#unheard.has(`${event} ${by}`);
  }
}

/** The project files of a run, by the moment they came into force. */
export class Files {
  readonly #applied: ReadonlyMap<string, readonly SaidOf<typeof ProjectApplied>[]>;

  constructor(facts: Facts) {
    this.#applied = Map.groupBy(facts.named(ProjectApplied), ({ data }) => data.project);
  }

  /** Whether the project is there now. */
  isThere(project: string): boolean {
    return this.newest(project) !== null;
  }

  newest(project: string): ProjectFile | null {
    const versions = this.#applied.get(project) ?? [];
    return versions.toSorted((one, other) => one.data.version - other.data.version).at(-1)?.data.file ?? null;
  }

  /**
   * Where a release must have come to, once it was good in these: what the file that stands now opens. What only an older file opened is asked of nobody,
   * and neither is what the newest opened since the release was good.
   */
  opened(release: Release, passed: ReadonlySet<string>, since: number): Environment[] {
    const file = this.newest(release.project);
    const versions = (this.#applied.get(release.project) ?? []).filter(({ ms }) => ms > since);
    if (file === null || versions.length > 0) return [];
    const { source, environments } = file.spec;
    const watched = source.git ?? source.svn;
    const reached = new Set<string>();
    for (const environment of environments) {
      const usual = {
        branches: (watched?.branches ?? []).slice(0, environment.stage === 'test' ? undefined : 1),
        tags: watched?.tags ?? [],
      };
      if (isLetIn(release.ref, environment.accepts ?? usual) && environment.after.every((name) => reached.has(name)))
        reached.add(environment.name);
    }
    return environments.filter(({ name, after }) => reached.has(name) && !passed.has(name) && after.every((before) => passed.has(before)));
  }
}

type Environment = ProjectFile['spec']['environments'][number];

function isLetIn(ref: string, { branches, tags }: { readonly branches: readonly string[]; readonly tags: readonly string[] }): boolean {
  const isTag = ref.startsWith('refs/tags/');
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  return (isTag ? tags : branches).some((pattern) => picomatch(pattern, { dot: true })(name));
}
