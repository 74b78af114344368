import { catalog, LogAppended } from '@slipway/contracts';
import { on, subscribe } from '@slipway/service-kit';
import { OnEveryEvent } from './on-every-event.js';
import { OnLogAppended } from './on-log-appended.js';

/** What the gateway hears: everything there is. */
export const subscriptions = subscribe('gateway', [
  on(LogAppended, OnLogAppended),
  ...[...catalog.values()].filter((event) => event.name !== LogAppended.name).map((event) => on(event, OnEveryEvent, { record: true })),
]);
