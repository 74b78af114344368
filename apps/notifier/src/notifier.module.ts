import { Module } from '@nestjs/common';
import { type ConfigOf, SERVICE_CONFIG, ServiceModule } from '@slipway/service-kit';
import { PostgresPeople } from './adapters/postgres-people.js';
import { SignedHook } from './adapters/signed-hook.js';
import { SmtpMail } from './adapters/smtp-mail.js';
import { Deliveries } from './deliveries.js';
import { migrations } from './migrations/index.js';
import { NotifierConfig } from './notifier.config.js';
import { NotifierMetrics } from './notifier.metrics.js';
import { Hook, Mail, People } from './ports.js';
import { RunMail } from './run-mail.js';
import { RunPost } from './run-post.js';
import { subscriptions } from './subscriptions.js';

type Config = ConfigOf<typeof NotifierConfig>;

/** The notifier service: people and machines hear what concerns them, once. */
@Module({
  imports: [ServiceModule.register({ name: 'notifier', config: NotifierConfig, migrations, subscriptions, works: [RunMail, RunPost] })],
  providers: [
    { provide: People, useClass: PostgresPeople },
    {
      provide: Mail,
      inject: [SERVICE_CONFIG],
      useFactory: (config: Config) =>
        new SmtpMail({
          url: config.SLIPWAY_SMTP_URL,
          from: config.SLIPWAY_SMTP_FROM,
          username: config.SLIPWAY_SMTP_USERNAME,
          passwordFile: config.SLIPWAY_SMTP_PASSWORD_FILE,
        }),
    },
    {
      provide: Hook,
      inject: [SERVICE_CONFIG],
      useFactory: (config: Config) => new SignedHook({ url: config.SLIPWAY_WEBHOOK_URL, secretFile: config.SLIPWAY_WEBHOOK_SECRET_FILE }),
    },
    ...[Deliveries, NotifierMetrics, RunMail, RunPost],
    ...subscriptions.entries.map((entry) => entry.handler),
  ],
})
export class NotifierModule {}
