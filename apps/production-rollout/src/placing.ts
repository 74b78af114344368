import { Injectable } from '@nestjs/common';
import type { ResolvedDeployment } from '@slipway/contracts';
import { deploymentOf } from '@slipway/deployments';
import type { Deployment, Orchestrator } from '@slipway/orchestrators';
import type { Tx } from '@slipway/postgres';
import { placeOf } from './domain/place.js';
import { Applied, Places, Secrets } from './ports.js';

/** Where a deployment goes, and what to say where its target has changed since it was signed. */
export interface Whereabouts {
  readonly orchestrator: Orchestrator;
  readonly newer: string | null;
}

/** Takes a signed deployment to the place it was signed for: whatever deploys, heals, scales or goes back asks here, and nowhere else. */
@Injectable()
export class Placing {
  constructor(
    private readonly applied: Applied,
    private readonly places: Places,
    private readonly secrets: Secrets,
  ) {}

  /** Its place; `waitsFor` where the target was removed, or what was signed does not say where and nothing here does. */
  async where(tx: Tx, { target }: ResolvedDeployment): Promise<Whereabouts | { waitsFor: string }> {
    const placed = placeOf(target, await this.applied.target(tx, target.name));
    return 'waitsFor' in placed ? placed : { orchestrator: this.places.at(placed.place), newer: placed.newer };
  }

  /** What targets take: what was signed, with the count a person has set and secrets that are read when they are used. */
  goal(resolved: ResolvedDeployment, attempt: number, scaledTo: number | null): Deployment {
    const readSecret = (name: string, version: string) => this.secrets.read(resolved.project, name, version);
    return deploymentOf(resolved, { attempt, readSecret, ...(scaledTo === null ? {} : { instances: scaledTo }) });
  }
}
