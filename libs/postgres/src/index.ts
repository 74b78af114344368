export { type Judge, NotAdmitted, Refused, type Witness } from './admission.js';
export { AdvisoryLock, type HeldLock } from './advisory-lock.js';
export type { MigrationInterface, QueryRunner } from './data-source.js';
export { Database, type DatabaseOptions } from './database.js';
export {
  CommitRefused,
  CommitUnknown,
  isConnectionLoss,
  isRetryable,
  isTransient,
  isUniqueViolation,
  NestedTransaction,
  sqlState,
} from './errors.js';
export { grantView } from './grant-view.js';
export type { MigrationClass } from './migrate.js';
export { advisoryNumber, identifier, schemaOf } from './names.js';
export { NotifyListener } from './notify-listener.js';
export { type Prepared, prepared } from './prepared.js';
export { MayNotProvision, type Provisioned, type ProvisionOptions, provision } from './provision.js';
export { ReservedConnection } from './reserved-connection.js';
export type { Tx } from './transaction.js';
