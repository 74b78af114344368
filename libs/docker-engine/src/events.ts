import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from './errors.js';
import { jsonLines } from './log-stream.js';
import { labelFilter, type Transport } from './transport.js';
import type { EngineNews, LabelFilter } from './types.js';

interface RawEvent {
  Type: string;
  Action: string;
  Actor?: { ID?: string; Attributes?: Record<string, string> };
  timeNano?: number;
  time?: number;
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;

/** Which events are wanted; absent: all. */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly actions?: readonly string[];
  readonly labels?: LabelFilter;
}

/**
 * What happens at the engine, until `signal` ends it (then it returns, without an error). When the connection is lost it connects anew
 * with growing pauses and says `connected` again; what happened meanwhile is not told, so whoever listens lists anew at each `connected`.
 */
export async function* engineEvents(transport: Transport, filter: EventFilter, signal: AbortSignal): AsyncGenerator<EngineNews> {
  const query = { filters: { type: filter.types, event: filter.actions, label: labelFilter(filter.labels) } };
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      const body = await transport.stream({ what: 'listen to events', method: 'GET', path: '/events', query, signal });
      pauseMs = firstPauseMs;
      try {
        yield { kind: 'connected' };
        for await (const raw of jsonLines<RawEvent>(body)) yield { kind: 'event', event: fromRaw(raw) };
      } finally {
        body.destroy();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof EngineError && !error.transient) throw error;
    }
    await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

function fromRaw(raw: RawEvent): Extract<EngineNews, { kind: 'event' }>['event'] {
  const at = raw.timeNano === undefined ? (raw.time ?? 0) * 1000 : raw.timeNano / 1e6;
  return { type: raw.Type, action: raw.Action, id: raw.Actor?.ID ?? '', attributes: raw.Actor?.Attributes ?? {}, at };
}
