import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { shapeOf } from './shape.ts';

const inHand = new AsyncLocalStorage<string>();

subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  inHand.enterWith(`${request.method} ${shapeOf(request.url ?? '/')}`);
});

/** The request to this process out of which we are called, as `POST /api/v1/releases/*` + `/cancel`; undefined outside of one. */
export function requestInHand(): string | undefined {
  return inHand.getStore();
}
