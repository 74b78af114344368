export { InMemoryEventLog } from './adapters/in-memory-event-log.js';
export { KafkajsEventLog } from './adapters/kafkajs-event-log.js';
export type { KafkaOptions } from './adapters/kafkajs-options.js';
export type { DeadLetter, DeadLetters, Resolved } from './dead-letters.js';
export { newTraceparent, parseType, signedBytes } from './envelope.js';
export type {
  BatchControl,
  BatchOutcome,
  ConsumeOptions,
  EventLog,
  InRecord,
  OutRecord,
  Running,
  TopicPartition,
  TopicWanted,
} from './event-log.js';
export { type LogRefusal, LogRefused, PublishFailed } from './event-log.js';
export { NotYet, Unhandleable } from './failures.js';
export type { LogText } from './log-chunks.js';
export { Messaging, type MessagingOptions } from './messaging.js';
export { messagingMigrations } from './migrations/index.js';
export type { PoisonReason } from './reading.js';
export type { Cause, Handler, InHand, Received, Said, Subscriptions, UnitOfWork } from './received.js';
export { type Keeping, messagingPrunings, type Pruned, type Pruning } from './retention.js';
export { Telling } from './telling.js';
export { type Timing, usualTiming } from './timing.js';
export { TopicNames } from './topic-names.js';
