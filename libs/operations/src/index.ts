export { PartUnavailable } from './away.js';
export { Cancelled, LostClaim, LostPlace, ShuttingDown, TimeIsUp } from './errors.js';
export { migrations } from './migrations/index.js';
export { cancel, hurry, type Owed, owe, type Stuck, stuckOperations } from './owe.js';
export { type Seals, sealedOperations } from './progress-seal.js';
export { operationPrunings, Pruner, type PrunerOptions } from './pruner.js';
export { Reconciler, type ReconcilerOptions, type Reconciliation } from './reconciler.js';
export type { Acting, Again, Claim, Operation, Outcome, Work } from './work.js';
export { Worker, type WorkerOptions } from './worker.js';
