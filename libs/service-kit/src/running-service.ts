import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { catalog } from '@slipway/contracts';
import { loadServiceKey, loadTrustFile, readSecretFile, type ServiceKey, type Signer, type Trust } from '@slipway/identity';
import type { EventLog, Messaging } from '@slipway/messaging';
import { Pruner, Reconciler, sealedOperations, Worker } from '@slipway/operations';
import { Database } from '@slipway/postgres';
import type { Registry } from 'prom-client';
import { type Environment, readConfiguration } from './configuration.js';
import { type Given, providersOf } from './given.js';
import { Health, type PartHealth } from './health.js';
import { HttpFront } from './http-front.js';
import { Insiders } from './insiders.js';
import { prunings } from './keeping.js';
import { later } from './later.js';
import { createLogger, type Logger } from './logging.js';
import { createRegistry, readyGauge } from './metrics.js';
import { createNestService, type NestService } from './nest-application.js';
import { connectDatabase, eventLogOf, migrateAll, type Waiter } from './parts.js';
import { PrometheusTarget } from './prometheus-targets.js';
import { AdoptingRows, rowSealsOf } from './row-seals.js';
import { secretsOf } from './secret-values.js';
import { definitionOf, type ServiceDefinition } from './service.module.js';
import { type BaseConfig, defaultPort } from './settings.js';
import { TracedMessaging } from './traced-messaging.js';
import { reasonOf, Stopped, within } from './waiting.js';
import { checkDefinition, type Wired, wire } from './wiring.js';

/** What a start may be given beside the module. */
export interface StartOptions {
  readonly environment: Environment;
  /** Instead of Kafka, in tests. */
  readonly eventLog?: EventLog;
  /** A part died that the service cannot live without. */
  onFatal(error: unknown, message: string): void;
}

type Step = () => Promise<unknown> | unknown;

/** One service from its first setting to its last connection. What it starts it notes how to stop; stop goes backwards. */
export class RunningService {
  readonly definition: ServiceDefinition;
  readonly config: BaseConfig;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly instance = crypto.randomUUID();
  private readonly health = new Health();
  private readonly front: HttpFront;
  private readonly stopping = new AbortController();
  private readonly toStop: { name: string; mostMs: number; step: Step }[] = [];
  private stopped: Promise<void> | undefined;
  private listening: { host: string; port: number } | undefined;
  private nest: NestService | undefined;

  /** Throws ConfigurationError or WiringError before anything outside is touched. */
  constructor(
    private readonly root: Type,
    private readonly options: StartOptions,
  ) {
    this.definition = definitionOf(root);
    this.config = readConfiguration(this.definition.name, this.definition.config, options.environment);
    checkDefinition(this.definition, catalog.values());
    const secrets = secretsOf(this.definition.name, this.definition.config, this.config);
    this.logger = createLogger({ service: this.definition.name, instance: this.instance, level: this.config.SLIPWAY_LOG_LEVEL, secrets });
    this.registry = createRegistry();
    readyGauge(this.registry, async () => (await this.health.readiness()).status === 'ready');
    this.front = new HttpFront(this.health, this.registry);
  }

  /** Where it answers, `http://127.0.0.1:8084`. */
  get url(): string {
    if (!this.listening) throw new Error(`${this.definition.name} does not listen yet`);
    const { host, port } = this.listening;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** The Nest application, to get providers from. Throws before `start` has built it. */
  get app(): NestService['app'] {
    if (!this.nest) throw new Error(`${this.definition.name} has not started yet`);
    return this.nest.app;
  }

  /** Starts; waits for Postgres and Kafka as long as it takes, answering health and metrics meanwhile. Throws Stopped when told to stop. */
  async start(): Promise<void> {
    try {
      await this.build();
    } catch (error) {
      // What was being built when the stop came fails in ways of its own.
      throw this.stopping.signal.aborted ? new Stopped('told to stop while starting', { cause: error }) : error;
    }
  }

  private async build(): Promise<void> {
    await this.listen();
    const key = await this.loadKey();
    const trust = await loadTrustFile(this.config.SLIPWAY_TRUST_FILE);
    const database = await connectDatabase(this.definition.name, this.config, this.waiter('postgres'));
    this.onStop('database', 500, () => database.close());
    await migrateAll(database, this.definition, this.waiter('postgres'));
    this.health.check('postgres', () => database.ping(2_000).then(() => ({ ok: true })));
    const log = await this.eventLog();
    const messaging = this.messagingOver(database, log, key.signer, trust);
    this.health.check('messaging', () => healthOf(messaging));
    const worker = later(Worker);
    const own = {
      config: this.config,
      registry: this.registry,
      logger: this.logger,
      instance: this.instance,
      shutdown: this.stopping.signal,
    };
    const seals = rowSealsOf(key, { ...sealedOperations, ...this.definition.sealed }, this.registry, this.logger);
    const given: Given = { ...own, service: this.definition.name, database, messaging, worker: worker.part, key, trust, seals };
    await this.buildNest(given);
    const { handlers, works, reconciliations } = wire(this.app, this.definition);
    const { registry, logger } = this;
    worker.is(new Worker({ database, messaging, works, owner: this.instance, registry, logger, seals }));
    const pruner = new Pruner({ database, prunings: prunings(this.config), registry, logger });
    const adopting = seals.asked ? [] : [new AdoptingRows(database, seals, logger)];
    const compared = [...reconciliations, ...adopting, pruner];
    await this.work(given, handlers, new Reconciler({ database, reconciliations: compared, registry, logger }));
    this.health.set('start', { ok: true });
    await this.health.readiness();
    this.logger.info({ url: this.url }, 'ready');
  }

  /** Stops as gently as 9 s allow: no new requests, work handed over, events drained, connections closed. Good to call twice. */
  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  /** Logs what ends the process. */
  fatal(error: unknown, message: string): void {
    this.logger.fatal({ err: error }, message);
  }

  private async loadKey(): Promise<ServiceKey> {
    const file = this.config.SLIPWAY_KEY_FILE;
    const key = await loadServiceKey(file);
    if (key.service !== this.definition.name) {
      throw new Error(`SLIPWAY_KEY_FILE ${file} is the key of ${key.service}; ${this.definition.name} needs a key of its own.`);
    }
    return key;
  }

  private async listen(): Promise<void> {
    const { HOST: host, PORT: asked, SLIPWAY_DATA_DIR: dataDir, SLIPWAY_METRICS_TOKEN_FILE: tokenFile } = this.config;
    const service = this.definition.name;
    if (tokenFile !== undefined) this.front.show(new Insiders((await readSecretFile(tokenFile)).toString('utf8').trim()));
    const port = await this.front.listen(host, { asked, usual: defaultPort(service) });
    this.listening = { host, port };
    const target = await PrometheusTarget.write({ dataDir, service, host, port });
    this.onStop('http', 200, () => this.front.stop(100));
    this.onStop('prometheus target', 200, () => target.remove());
  }

  private async eventLog(): Promise<EventLog> {
    if (this.options.eventLog) return this.options.eventLog;
    const log = await eventLogOf(this.definition.name, this.instance, this.config, this.logger);
    this.onStop('kafka', 500, () => log.close());
    return log;
  }

  private messagingOver(database: Database, log: EventLog, signer: Signer, trust: Trust): Messaging {
    return new TracedMessaging({
      service: this.definition.name,
      database,
      log,
      signer,
      trust,
      registry: this.registry,
      logger: this.logger,
      topicPrefix: this.config.SLIPWAY_TOPIC_PREFIX,
      inboxDays: this.config.SLIPWAY_KEEP_INBOX_DAYS,
      spool: { dir: join(this.config.SLIPWAY_DATA_DIR, 'spool', this.definition.name) },
      onDied: (error) => this.options.onFatal(error, 'messaging ended by itself; ending the process'),
    });
  }

  private async buildNest(given: Given): Promise<void> {
    const { logger, registry } = this;
    const bodyLimit = this.config.SLIPWAY_BODY_LIMIT;
    const nest = await createNestService(this.root, { logger, registry, bodyLimit, providers: providersOf(given) });
    await this.definition.configure?.(nest.app);
    this.nest = nest;
    this.onStop('application', 500, () => nest.app.close());
    await nest.app.init();
    await nest.app.getHttpAdapter().getInstance().ready();
  }

  private async work({ messaging, worker }: Given, handlers: Wired['handlers'], reconciler: Reconciler): Promise<void> {
    this.onStop('messaging', 3_500, () => messaging.stop(3_000));
    this.onStop('work', 4_000, () => Promise.all([this.front.stop(2_000), worker.stop(3_500), reconciler.stop(3_500)]));
    // What is owed waits for the database's admission alone: to be let into the group may take seconds, in which nothing of that could be heard.
    await messaging.start(handlers, () => {
      if (this.stopping.signal.aborted) return;
      worker.start();
      reconciler.start();
      this.front.serve((request, response) => this.nest?.answer(request, response));
    });
  }

  private waiter(part: string): Waiter {
    return {
      signal: this.stopping.signal,
      onWait: (reason, error) => {
        this.health.set(part, { ok: false, detail: `waiting: ${reason}` });
        this.logger.warn({ err: error, part }, `waiting for ${part}: ${reason}`);
      },
    };
  }

  private onStop(name: string, mostMs: number, step: Step): void {
    this.toStop.push({ name, mostMs, step });
  }

  private async stopAll(): Promise<void> {
    this.health.set('start', { ok: false, detail: 'stopping' });
    this.logger.info('stopping');
    this.stopping.abort();
    for (const { name, mostMs, step } of this.toStop.reverse()) {
      try {
        await within(mostMs, step());
      } catch (error) {
        this.logger.error({ err: error }, `stopping ${name} failed: ${reasonOf(error)}`);
      }
    }
    this.logger.info('stopped');
  }
}

function healthOf(messaging: Messaging): PartHealth {
  const { ready, reasons } = messaging.health();
  return ready ? { ok: true } : { ok: false, detail: reasons.join('; ') };
}
