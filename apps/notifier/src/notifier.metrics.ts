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
  }

  ended(channel: 'mail' | 'webhook', outcome: 'delivered' | 'failed'): void {
    this.notifications.inc({ channel, outcome });
  }
}
