import { Injectable } from '@nestjs/common';
import { Registry } from '@slipway/service-kit';
import { Counter } from 'prom-client';

/** What Grafana shows of notifications. */
@Injectable()
export class NotifierMetrics {
  private readonly notifications: Counter;

  constructor(registry: Registry) {
    this.notifications = new Counter({
      name: 'slipway_notifications_total',
      help: 'Notifications that were delivered or given up',
      labelNames: ['channel', 'outcome'],
      registers: [registry],
    });
    // A counter that begins at 1 hides its first failure from increase().
    for (const channel of ['mail', 'webhook'])
      for (const outcome of ['delivered', 'failed']) this.notifications.inc({ channel, outcome }, 0);
  }

  ended(channel: 'mail' | 'webhook', outcome: 'delivered' | 'failed'): void {
    this.notifications.inc({ channel, outcome });
  }
}
