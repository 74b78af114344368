import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { Transport } from './transport.js';

// docker-modem describes each request for its debugger, with all that hangs on its signal; patches/docker-modem+5.0.7.patch does so only where one listens.
it('describes no call where nobody listens', async () => {
  const server = createServer((_, answer) => answer.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  let described = 0;
  const agent = Object.assign(new Agent(), { [inspect.custom]: () => `${++described}` });
  const address = { protocol: 'http' as const, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const transport = new Transport({ ...address, ...{ agent } }, 5_000);
  expect(await transport.json({ what: 'ask', method: 'GET', path: '/info' })).toEqual({});
  expect(described).toBe(0);
});
