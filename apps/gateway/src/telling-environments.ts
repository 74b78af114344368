import { Injectable } from '@nestjs/common';
import type { EnvironmentView } from '@slipway/api';
import type { Environment, ProjectFile } from '@slipway/contracts';
import type { z } from 'zod';
import { type EnvironmentFacts, freshEnvironment } from './domain/environment-view.js';
import { Applied, Ledger } from './ports.js';

type View = z.output<typeof EnvironmentView>;

/** Environments as people read them: those of the project file in its order, then those that only history knows. */
@Injectable()
export class TellingEnvironments {
  constructor(
    private readonly ledger: Ledger,
    private readonly applied: Applied,
  ) {}

  async all(project: string): Promise<View[]> {
    const [row, facts] = await Promise.all([this.applied.find('project', project), this.ledger.environments(project)]);
    const planned = row?.file?.spec.environments ?? [];
    const names = new Set(planned.map(({ name }) => name));
    const known = new Map(facts.map((each) => [each.environment, each]));
    return [
      ...planned.map((environment) =>
        viewOf(known.get(environment.name) ?? freshEnvironment(project, environment.name), environment, row?.file ?? null),
      ),
      ...facts.filter(({ environment, running }) => !names.has(environment) && running?.value).map((each) => viewOf(each, undefined, null)),
    ];
  }

  async one(project: string, environment: string): Promise<View | undefined> {
    return (await this.all(project)).find((each) => each.environment === environment);
  }
}

function viewOf(facts: EnvironmentFacts, planned: Environment | undefined, file: ProjectFile | null): View {
  const wanted = planned?.app?.instances ?? file?.spec.app.instances;
  const scaled = facts.scaledTo?.value ?? null;
  return {
    project: facts.project,
    environment: facts.environment,
    stage: planned?.stage ?? facts.stage ?? 'test',
    running: facts.running?.value ? { ...facts.running.value, since: facts.running.at } : null,
    rolling: facts.rolling?.value
      ? { release: facts.rolling.value.release, ready: facts.rolling.value.ready, wanted: facts.rolling.value.wanted }
      : null,
    instances: facts.instances?.value ?? null,
    // What was set back to what the file says is no longer set.
    scaledTo: scaled === wanted ? null : scaled,
    drifted: facts.drifted?.value ?? false,
    drift: facts.drifted?.value ? { since: facts.drifted.at, found: [...(facts.drift?.value ?? [])] } : null,
    held: facts.held?.value ?? null,
    barred: Object.entries(facts.barred)
      .filter(([, barred]) => barred.value)
      .map(([number]) => Number(number))
      .sort((one, other) => one - other),
    history: facts.history.map(({ release, digest, at, how, by, seconds }) => ({ release, digest, at, how, by, seconds })),
  };
}
