import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { figures, LOGGER, type Logger, Registry } from '@slipway/service-kit';
import { Counter, Gauge } from 'prom-client';
import { Hook, Mail } from './ports.js';

/** How often the mail server is tried at most, in ms, and how long an answer may take. */
const triedEveryMs = 60_000;
const answersWithinMs = 2_500;

/** What Grafana shows of notifications. */
@Injectable()
export class NotifierMetrics {
  private readonly notifications: Counter;

  constructor(registry: Registry, mail: Mail, hook: Hook, @Inject(LOGGER) logger: Logger) {
    this.notifications = new Counter({
      name: 'slipway_notifications_total',
      help: 'Notifications that were delivered or given up',
      labelNames: ['channel', 'outcome'],
      registers: [registry],
    });
    // A counter that begins at 1 hides its first failure from increase().
    for (const channel of ['mail', 'webhook'])
      for (const outcome of ['delivered', 'failed']) this.notifications.inc({ channel, outcome }, 0);
    channelGauges(registry, mail, hook, logger);
  }

  ended(channel: 'mail' | 'webhook', outcome: 'delivered' | 'failed'): void {
    this.notifications.inc({ channel, outcome });
  }
}

/** Which ways lead out, and whether the mail server would take a mail: what `slipway doctor` reads. The log says why it would not. */
function channelGauges(registry: Registry, mail: Mail, hook: Hook, logger: Logger): void {
  const registers = [registry];
  const configured = new Gauge({
    name: 'slipway_channel_configured',
    help: 'Whether notifications can go by this channel (1) or nothing is set for it (0)',
    labelNames: ['channel'],
    registers,
  });
  configured.set({ channel: 'mail' }, Number(mail.isOn));
  configured.set({ channel: 'webhook' }, Number(hook.isOn));
  const tried = figures(() => isFailing(mail, logger), { freshMs: triedEveryMs, withinMs: 2 * answersWithinMs });
  new Gauge({
    name: 'slipway_channel_failing',
    help: 'Whether the mail server would take no mail from us (1) when it was last tried, at most once a minute',
    labelNames: ['channel'],
    registers,
    async collect() {
      const failing = mail.isOn ? await tried() : undefined;
      if (failing !== undefined) this.set({ channel: 'mail' }, Number(failing));
    },
  });
}

async function isFailing(mail: Mail, logger: Logger): Promise<boolean> {
  const late = new AbortController();
  try {
    const silent = delay(answersWithinMs, undefined, { signal: late.signal }).then(() => {
      throw new Error(`no answer within ${answersWithinMs / 1000} s`);
    });
    await Promise.race([mail.check(), silent]);
    return false;
  } catch (error) {
    logger.warn({ err: error }, 'the mail server would take no mail from us');
    return true;
  } finally {
    late.abort();
  }
}
