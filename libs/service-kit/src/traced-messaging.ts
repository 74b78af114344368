import { type Cause, Messaging, type UnitOfWork } from '@slipway/messaging';
import { currentTrace } from './tracing.js';

/** Messaging whose events go on with the trace they are said in, so that one request can be followed through all services. */
export class TracedMessaging extends Messaging {
  override async transact<T>(fn: (unit: UnitOfWork) => Promise<T>, cause: Cause = {}): Promise<T> {
    const traceparent = cause.traceparent ?? currentTrace()?.traceparent;
    return await super.transact(fn, { ...cause, traceparent });
  }
}
