import { Injectable } from '@nestjs/common';
import { Registry } from '@slipway/service-kit';
import { Counter, Histogram } from 'prom-client';
import type { TestDeployment } from './domain/test-environment.js';

/** Up to an hour, as production-rollout's; and with 1800 as the last of them V8 keeps an array of 2,700 places for each project and environment. */
const buckets = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** What Grafana shows of test environments: how many deployments, how they ended, and how long they and their checks took. */
@Injectable()
export class TestDeployerMetrics {
  private readonly deployments: Counter;
  private readonly deploymentSeconds: Histogram;
  private readonly verifications: Counter;
  private readonly verificationSeconds: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['project', 'environment'];
    this.deployments = new Counter({
      name: 'slipway_deployments_total',
      help: 'Deployments to test environments that came to an end: succeeded, failed, superseded, cancelled',
      labelNames: [...labelNames, 'outcome'],
      registers,
    });
    this.deploymentSeconds = new Histogram({
      name: 'slipway_deployment_duration_seconds',
      help: 'From the start of a deployment to a test environment to its verdict',
      labelNames: [...labelNames, 'outcome'],
      buckets,
      registers,
    });
    this.verifications = new Counter({
      name: 'slipway_verifications_total',
      help: 'Verifications that came to a verdict: passed, failed',
      labelNames: ['outcome'],
      registers,
    });
    this.verificationSeconds = new Histogram({
      name: 'slipway_verification_duration_seconds',
      help: 'How long the checks of a test environment took',
      labelNames: [...labelNames, 'outcome'],
      buckets,
      registers,
    });
  }

  /** `seconds` only where it had begun. */
  deployed({ project, environment }: TestDeployment, outcome: 'succeeded' | 'failed' | 'superseded' | 'cancelled', seconds?: number): void {
    this.deployments.inc({ project, environment, outcome });
    if (seconds !== undefined) this.deploymentSeconds.observe({ project, environment, outcome }, seconds);
  }

  verified({ project, environment }: TestDeployment, outcome: 'passed' | 'failed', seconds: number): void {
    this.verifications.inc({ outcome });
    this.verificationSeconds.observe({ project, environment, outcome }, seconds);
  }
}
