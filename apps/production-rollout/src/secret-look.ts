import { Injectable } from '@nestjs/common';
import { SecretVersioned } from '@slipway/contracts';
import { Messaging } from '@slipway/messaging';
import type { Reconciliation } from '@slipway/operations';
import { Applied, Secrets } from './ports.js';

/** Sees that a secret has another value, and says its new version id: what was granted for the old one is voided by it. */
@Injectable()
export class SecretLook implements Reconciliation {
  readonly name = 'secret-versions';

  constructor(
    private readonly applied: Applied,
    private readonly secrets: Secrets,
    private readonly messaging: Messaging,
  ) {}

  async at(project: string): Promise<{ name: string; version: string | null }[]> {
    const file = (await this.applied.projects()).find((each) => each.metadata.name === project);
    if (!file) return [];
    const names = [file.spec.app, ...file.spec.environments.map((environment) => environment.app)].flatMap((app) => app?.secrets ?? []);
    return this.secrets.versions(project, [...new Set(names)].sort());
  }

  /** @throws AggregateError of what could not be looked at, after all the others were: one secret that is refused stops no other project. */
  async run(signal: AbortSignal): Promise<void> {
    const refused: Error[] = [];
    for (const file of await this.applied.projects()) {
      if (signal.aborted) return;
      await this.tell(file.metadata.name).catch((error: Error) => refused.push(error));
    }
    if (refused.length > 0) throw new AggregateError(refused, refused.map((error) => error.message).join('; '));
  }

  private async tell(project: string): Promise<void> {
    const secrets = await this.at(project);
    await this.messaging.transact(async (unit) => {
      if (await this.applied.keepSecretVersions(unit.tx, project, secrets))
        unit.publish(SecretVersioned, { subject: project, data: { project, secrets } });
    });
  }
}
