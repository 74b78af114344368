import { Inject, Injectable } from '@nestjs/common';
import type { Reconciliation } from '@slipway/operations';
import { type ConfigOf, LOGGER, type Logger, SERVICE_CONFIG } from '@slipway/service-kit';
import type { GatewayConfig } from './gateway.config.js';
import { Journal, JournalFiles, JournalUnreadable } from './ports.js';

/** Keeps the journal in shape: partitions ready for the months that come, old months moved to files that a rebuild still reads. */
@Injectable()
export class Archiving implements Reconciliation {
  readonly name = 'journal-months';
  readonly everySeconds = 60;

  constructor(
    private readonly journal: Journal,
    private readonly files: JournalFiles,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    await this.journal.makePartitions();
    if (this.config.SLIPWAY_JOURNAL_MONTHS === 0) return;
    const months = await this.journal.monthsBefore(this.config.SLIPWAY_JOURNAL_MONTHS);
    if (months.length > 0) await this.mustBeKept();
    for (const month of months) {
      if (signal.aborted) return;
      await this.archive(month);
    }
  }

  /** A folder without the months that were moved before is another machine's, or does not outlive its container: it is no place for the next one. */
  private async mustBeKept(): Promise<void> {
    const [first, ...others] = await this.files.missing((await this.journal.archives()).map(({ month }) => month));
    if (first === undefined) return;
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    throw new JournalUnreadable(
      `no month of the journal is moved, for earlier ones are not where they were moved to: ${first}${more} cannot be read; bring them back from the machine or backup that has them (docs/guides/what-is-kept.md)`,
    );
  }

  /** A crash in between leaves a file that is written anew: the month leaves Postgres only with the file whole on disk. */
  private async archive(month: string): Promise<void> {
    const written = await this.files.write(month, this.journal.rowsOf(month));
    await this.journal.dropMonth(month, written);
    this.logger.info({ month, ...written }, 'a month of the journal was moved to its file');
  }
}
