import { Inject, Injectable } from '@nestjs/common';
import type { Reconciliation } from '@slipway/operations';
import { type ConfigOf, figures, LOGGER, type Logger, Registry, SERVICE_CONFIG } from '@slipway/service-kit';
import { Counter, Gauge } from 'prom-client';
import type { GatewayConfig } from './gateway.config.js';
import { Logs } from './ports.js';

/** Chunks in one transaction. */
const atOnce = 1_000;
/** Transactions in one pass; what is left then waits for the next. */
const batches = 50;

/** Keeps the stored logs of builds and containers within their age and their size: the oldest chunks go first (docs/adr/0011). */
@Injectable()
export class ForgettingLogs implements Reconciliation {
  readonly name = 'logs';
  readonly everySeconds = 60;
  private readonly forgotten: Counter;

  constructor(
    private readonly logs: Logs,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
    registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const registers = [registry];
    this.forgotten = new Counter({
      name: 'slipway_log_chunks_forgotten_total',
      help: 'Chunks of logs this process deleted because they were too old, or too many',
      registers,
    });
    const size = figures(() => logs.bytes(), { freshMs: 60_000 });
    new Gauge({
      name: 'slipway_logs_bytes',
      help: 'What the stored logs of builds and containers take, compressed; kept below SLIPWAY_KEEP_LOGS_MIB',
      registers,
      async collect() {
        const bytes = await size();
        if (bytes !== undefined) this.set(bytes);
      },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { SLIPWAY_KEEP_LOGS_DAYS: days, SLIPWAY_KEEP_LOGS_MIB: mebibytes } = this.config;
    const old = await this.repeat(signal, () => this.logs.forgetOlderThan(days, atOnce));
    let over = (await this.logs.bytes()) - mebibytes * 1024 * 1024;
    const many = await this.repeat(signal, async () => {
      if (over <= 0) return { chunks: 0, bytes: 0 };
      const gone = await this.logs.forgetOldest(over, atOnce);
      over -= gone.bytes;
      return gone;
    });
    if (old + many > 0) this.logger.info({ old, many }, 'chunks of logs were forgotten');
  }

  private async repeat(signal: AbortSignal, forget: () => Promise<{ chunks: number }>): Promise<number> {
    let all = 0;
    for (let batch = 0; batch < batches; batch++) {
      signal.throwIfAborted();
      const { chunks } = await forget();
      all += chunks;
      this.forgotten.inc(chunks);
      if (chunks === 0) break;
    }
    return all;
  }
}
