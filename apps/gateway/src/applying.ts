import { Injectable } from '@nestjs/common';
import { type PersonReference, ProjectApplied, type ProjectFile, TargetApplied, type TargetFile } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { Messaging, type UnitOfWork } from '@slipway/messaging';
import { ApiProblem, type WrongField } from './api-problem.js';
import { Applied, type AppliedRow, type FileOf, type Kind, Retention } from './ports.js';

/** What became of an apply. */
export interface Outcome {
  readonly name: string;
  readonly version: number;
  readonly changed: boolean;
}

/** Finds the line of a field in the file that was sent. */
export type Locate = (path: readonly PropertyKey[]) => Pick<WrongField, 'line' | 'column'>;

/** How a file is applied: by whom, why, and whether really. */
export interface Manner {
  readonly by: PersonReference;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly locate: Locate;
}

/** Puts project and target files in force, version by version; a file that says what is in force already changes nothing. */
@Injectable()
export class Applying {
  constructor(
    private readonly messaging: Messaging,
    private readonly applied: Applied,
    private readonly retention: Retention,
  ) {}

  async applyProject(file: ProjectFile, manner: Manner): Promise<Outcome> {
    return this.messaging.transact(async (unit) => {
      const before = await this.applied.lock(unit.tx, 'project', file.metadata.name);
      await this.refuseMissingTargets(unit, file, manner.locate);
      const retired = await this.retention.refusalOf(unit.tx, file);
      if (retired) throw ApiProblem.refused(retired);
      return this.put(unit, 'project', file.metadata.name, before, file, manner);
    });
  }

  async applyTarget(file: TargetFile, manner: Manner): Promise<Outcome> {
    return this.messaging.transact(async (unit) => {
      const before = await this.applied.lock(unit.tx, 'target', file.metadata.name);
      return this.put(unit, 'target', file.metadata.name, before, file, manner);
    });
  }

  /** Takes a project or a target out of force; a target that a project names stays. */
  async remove(kind: Kind, name: string, by: PersonReference): Promise<Outcome> {
    return this.messaging.transact(async (unit) => {
      const before = await this.applied.lock(unit.tx, kind, name);
      if (!before?.file) throw ApiProblem.notFound(kind);
      const users = kind === 'target' ? await this.applied.projectsOn(unit.tx, name) : [];
      if (users.length > 0) {
        throw ApiProblem.refused({
          code: 'target-in-use',
          message: `target ${name} is named by ${users.join(', ')}: change or remove these first`,
        });
      }
      return this.write(unit, kind, { name, version: before.version + 1, file: null, by, reason: 'removed' });
    });
  }

  private async put<K extends Kind>(
    unit: UnitOfWork,
    kind: K,
    name: string,
    before: AppliedRow<K> | undefined,
    file: FileOf[K],
    { by, reason, dryRun }: Manner,
  ): Promise<Outcome> {
    const version = before?.version ?? 0;
    if (before?.file && digestOf(before.file) === digestOf(file)) return { name, version, changed: false };
    if (dryRun) return { name, version: version + 1, changed: true };
    return this.write(unit, kind, { name, version: version + 1, file, by, reason });
  }

  private async write<K extends Kind>(
    unit: UnitOfWork,
    kind: K,
    row: { name: string; version: number; file: FileOf[K] | null; by: PersonReference; reason: string },
  ): Promise<Outcome> {
    await this.applied.save(unit.tx, kind, row);
    const { name, version, by, reason } = row;
    if (kind === 'project') {
      unit.publish(ProjectApplied, { subject: name, data: { project: name, version, file: row.file as ProjectFile | null, by, reason } });
    } else unit.publish(TargetApplied, { subject: name, data: { target: name, version, file: row.file as TargetFile | null, by } });
    return { name, version, changed: true };
  }

  private async refuseMissingTargets(unit: UnitOfWork, file: ProjectFile, locate: Locate): Promise<void> {
    const { environments } = file.spec;
    const missing = new Set(
      await this.applied.missingTargets(
        unit.tx,
        environments.map(({ target }) => target),
      ),
    );
    const errors = environments.flatMap(({ target }, at) =>
      missing.has(target)
        ? [
            {
              field: `spec.environments.${at}.target`,
              message: `there is no target ${target}: apply it first, or correct the name`,
              ...locate(['spec', 'environments', at, 'target']),
            },
          ]
        : [],
    );
    if (errors.length > 0)
      throw new ApiProblem(422, 'The project file names targets that do not exist.', {
        title: 'The project file is not valid',
        code: 'invalid-file',
        errors,
      });
  }
}
