import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { type ConfigOf, LOGGER, type Logger, SERVICE_CONFIG, ServiceModule } from '@slipway/service-kit';
import { GzipJournalFiles } from './adapters/journal-files.js';
import { PostgresApplied } from './adapters/postgres-applied.js';
import { PostgresCredentials } from './adapters/postgres-credentials.js';
import { PostgresFreshLedger } from './adapters/postgres-fresh-ledger.js';
import { PostgresJournal } from './adapters/postgres-journal.js';
import { PostgresLedger } from './adapters/postgres-ledger.js';
import { PostgresLedgerBooks } from './adapters/postgres-ledger-books.js';
import { PostgresLedgerTasks } from './adapters/postgres-ledger-tasks.js';
import { PostgresLogs } from './adapters/postgres-logs.js';
import { PostgresPeople } from './adapters/postgres-people.js';
import { PostgresRetention } from './adapters/postgres-retention.js';
import { Answers } from './answers.js';
import { Applying } from './applying.js';
import { Archiving } from './archiving.js';
import { Commanding } from './commanding.js';
import { DoctorStatus } from './doctor-status.js';
import { DoctorWarnings } from './doctor-warnings.js';
import { EventFeed } from './event-feed.js';
import { FirstAdministrator } from './first-administrator.js';
import { Folding } from './folding.js';
import { ForgettingLogs } from './forgetting-logs.js';
import { GatewayConfig } from './gateway.config.js';
import { GatewayMetrics } from './gateway.metrics.js';
import { Admission } from './http/admission.js';
import { Answering } from './http/answering.js';
import { ApiProblemFilter } from './http/api-problem-filter.js';
import { controllers } from './http/controllers.js';
import { DocsController } from './http/docs.controller.js';
import { Doorman } from './http/doorman.js';
import { EventStreamController } from './http/event-stream.controller.js';
import { Forwarding } from './http/forwarding.js';
import { FrontHooks } from './http/front-hooks.js';
import { OpenApi } from './http/open-api.js';
import { ReleasePageController } from './http/release-page.controller.js';
import { Membership } from './membership.js';
import { migrations } from './migrations/index.js';
import { Obstacles } from './obstacles.js';
import { OnEveryEvent } from './on-every-event.js';
import { OnLogAppended } from './on-log-appended.js';
import {
  Applied,
  Credentials,
  FreshLedger,
  Journal,
  JournalFiles,
  Ledger,
  LedgerBooks,
  LedgerTasks,
  Logs,
  People,
  Retention,
} from './ports.js';
import { ReadingJournal } from './reading-journal.js';
import { RetiringImages } from './retiring-images.js';
import { oweLedgerAtStart, RunLedger } from './run-ledger.js';
import { sealedTables } from './sealed-tables.js';
import { SigningOff } from './signing-off.js';
import { subscriptions } from './subscriptions.js';
import { TellingEnvironments } from './telling-environments.js';
import { TellingReleases } from './telling-releases.js';
import { Tokens } from './tokens.js';

/** The gateway: the API people and programs use, and the journal and ledger of all that happened. */
@Module({
  imports: [
    ServiceModule.register({
      name: 'gateway',
      config: GatewayConfig,
      migrations,
      sealed: sealedTables,
      subscriptions,
      works: [RunLedger],
      reconcilers: [Archiving, ForgettingLogs, RetiringImages],
    }),
  ],
  controllers: [...controllers, EventStreamController, DocsController, ReleasePageController],
  providers: [
    { provide: People, useClass: PostgresPeople },
    { provide: Credentials, useClass: PostgresCredentials },
    { provide: Applied, useClass: PostgresApplied },
    { provide: Journal, useClass: PostgresJournal },
    { provide: JournalFiles, useClass: GzipJournalFiles },
    { provide: LedgerBooks, useClass: PostgresLedgerBooks },
    { provide: FreshLedger, useClass: PostgresFreshLedger },
    { provide: LedgerTasks, useClass: PostgresLedgerTasks },
    { provide: Ledger, useClass: PostgresLedger },
    { provide: Logs, useClass: PostgresLogs },
    { provide: Retention, useClass: PostgresRetention },
    ...[Admission, Answering, ApiProblemFilter, Doorman, Forwarding, FrontHooks, OpenApi],
    ...[
      Answers,
      Applying,
      Archiving,
      Commanding,
      DoctorStatus,
      DoctorWarnings,
      EventFeed,
      FirstAdministrator,
      Folding,
      ForgettingLogs,
      GatewayMetrics,
      Membership,
      Obstacles,
      ReadingJournal,
      RetiringImages,
      RunLedger,
      SigningOff,
      Tokens,
    ],
    ...[TellingEnvironments, TellingReleases, OnEveryEvent, OnLogAppended],
  ],
})
export class GatewayModule implements OnApplicationBootstrap {
  constructor(
    private readonly journal: Journal,
    private readonly administrator: FirstAdministrator,
    private readonly database: Database,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Before the first request: room in the journal, the ledger anew where that was asked for, and a way in for the first person. */
  async onApplicationBootstrap(): Promise<void> {
    await this.journal.makePartitions();
    if (this.config.SLIPWAY_LEDGER_REBUILD) await oweLedgerAtStart(this.database, this.logger);
    await this.administrator.invite();
  }
}
