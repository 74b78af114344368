import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isTransientMessage } from './errors.js';
import { DockerEngine, EngineError } from './index.js';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
});

/** Whether a call is known to be over that something in the place of an engine answers so. */
async function isOver(answers: RequestListener): Promise<boolean> {
  server = createServer(answers).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  return isOverAt((server.address() as AddressInfo).port);
}

async function isOverAt(port: number): Promise<boolean> {
  const error = await DockerEngine.connect(`tcp://127.0.0.1:${port}`)
    .containers.start('web')
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineError);
  return (error as EngineError).isOver;
}

describe('a call to the engine that failed', () => {
  it.each([404, 409, 500])('is over where the engine answered it with %i', async (status) => {
    expect(await isOver((_, response) => response.writeHead(status).end('{"message":"no"}'))).toBe(true);
  });

  it('is over where it never got there', async () => {
    expect(await isOverAt(1)).toBe(true);
  });

  it.each([502, 504])('may go on where somebody in between answered with %i', async (status) => {
    expect(await isOver((_, response) => response.writeHead(status).end())).toBe(false);
  });

  it('may go on where the connection was lost', async () => {
    expect(await isOver((request) => request.socket.destroy())).toBe(false);
  });
});

describe('a step of a build that was in the cache, and was removed meanwhile', () => {
  it.each([`No such image: sha256:${'a'.repeat(64)}`, `unable to find image "sha256:${'a'.repeat(64)}"`])(
    'may be there later: %s',
    (said) => {
      expect(isTransientMessage(said)).toBe(true);
    },
  );
});
