import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** What everything done because of one request or event shares; log lines carry it. */
export interface Trace {
  /** W3C trace context: `00-<trace id>-<span id>-<flags>`. */
  readonly traceparent: string;
  /** The release (or what else it is about), where there is one. */
  readonly correlationId?: string;
  /** The event or command that led here. */
  readonly causationId?: string;
}

const traces = new AsyncLocalStorage<Trace>();
const traceparentShape = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;

/** The trace that this code runs in; undefined outside of every request, event and piece of work. */
export function currentTrace(): Trace | undefined {
  return traces.getStore();
}

/** Runs `work` in the trace of `from`: same trace id, a span of its own; a new trace where none is given or it is malformed. */
export function correlate<T>(from: Partial<Trace>, work: () => T): T {
  return traces.run({ ...from, traceparent: nextSpan(from.traceparent) }, work);
}

/** A new span in the given trace; a new trace where the given one is missing or malformed (W3C Trace Context, 3.2). */
export function nextSpan(traceparent: string | undefined): string {
  const found = traceparent ? traceparentShape.exec(traceparent) : null;
  const trace = found?.[1] ?? randomBytes(16).toString('hex');
  return `00-${trace}-${randomBytes(8).toString('hex')}-${found?.[2] ?? '01'}`;
}
