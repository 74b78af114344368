import type { Provider } from '@nestjs/common';
import type { Service } from '@slipway/contracts';
import { RowSeals, type ServiceKey, type Trust } from '@slipway/identity';
import { Messaging } from '@slipway/messaging';
import { Worker } from '@slipway/operations';
import { Database } from '@slipway/postgres';
import { Registry } from 'prom-client';
import type { Logger } from './logging.js';
import type { BaseConfig } from './settings.js';
import { INSTANCE_ID, LOGGER, SERVICE_CONFIG, SERVICE_KEY, SERVICE_NAME, SHUTDOWN, TRUST } from './tokens.js';

/** What every service is given: its providers can inject all of it. */
export interface Given {
  readonly service: Service;
  readonly instance: string;
  readonly config: BaseConfig;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly shutdown: AbortSignal;
  readonly database: Database;
  readonly messaging: Messaging;
  readonly worker: Worker;
  readonly key: ServiceKey;
  readonly trust: Trust;
  readonly seals: RowSeals;
}

/** What is given, under the tokens it is injected by. */
export function providersOf(given: Given): Provider[] {
  return [
    { provide: Database, useValue: given.database },
    { provide: Messaging, useValue: given.messaging },
    { provide: Worker, useValue: given.worker },
    { provide: Registry, useValue: given.registry },
    { provide: SERVICE_CONFIG, useValue: given.config },
    { provide: SERVICE_KEY, useValue: given.key },
    { provide: SERVICE_NAME, useValue: given.service },
    { provide: RowSeals, useValue: given.seals },
    { provide: TRUST, useValue: given.trust },
    { provide: LOGGER, useValue: given.logger },
    { provide: INSTANCE_ID, useValue: given.instance },
    { provide: SHUTDOWN, useValue: given.shutdown },
  ];
}
