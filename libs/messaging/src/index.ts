export type { BatchControl, BatchOutcome, ConsumeOptions, EventLog, InRecord, OutRecord, Running, TopicPartition, TopicWanted } from './event-log.js';
export { PublishFailed } from './event-log.js';
export { NotYet, Unhandleable } from './failures.js';
export { Messaging, type MessagingOptions } from './messaging.js';
export type { Cause, Handler, Received, Said, Subscriptions, UnitOfWork } from './received.js';
