import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** kafkajs' own connection is not exported; patches/kafkajs+2.2.4.patch mends it. */
const inside = createRequire(import.meta.url);
interface Asked {
  readonly request: object;
  readonly response: object;
}
interface Connection {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  send(asked: Asked): Promise<string>;
}
const KafkaConnection: new (options: object) => Connection = inside('kafkajs/src/network/connection');
const Encoder: new () => object = inside('kafkajs/src/protocol/encoder');

const silent = { namespace: () => silent, debug: () => {}, error: () => {}, info: () => {}, warn: () => {} };
/** A request whose answer is text. */
const asked: Asked = {
  request: { apiKey: 18, apiVersion: 0, apiName: 'ApiVersions', encode: async () => new Encoder() },
  response: { decode: async (answer: Buffer) => String(answer), parse: async (text: string) => text },
};

/** An answer as brokers frame it: its length, the number of the request, the text. */
function framed(request: Buffer, text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + text.length);
  head.writeInt32BE(request.readInt32BE(8), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

let server: Server;
/** What the broker does with each request, by the socket it came on, counted from 1. */
let onRequest: (socket: Socket, request: Buffer, count: number) => void;
let connection: Connection;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => {
    const count = sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (request) => onRequest(socket, request, count));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socketFactory = ({ onConnect }: { onConnect: () => void }) => connect({ host: '127.0.0.1', port }, onConnect);
  const limits = { requestTimeout: 5000, connectionTimeout: 5000 };
  connection = new KafkaConnection({ host: '127.0.0.1', port, logger: silent, socketFactory, clientId: 'spec', ...limits });
});
afterEach(async () => {
  await connection.disconnect();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

describe('a connection of kafkajs that is made again', () => {
  it('forgets half an answer that came before it broke', async () => {
    onRequest = (socket, request, count) => {
      if (count === 1) socket.end(framed(request, 'never said to its end').subarray(0, 10));
      else socket.write(framed(request, 'whole'));
    };
    await connection.connect();
    await expect(connection.send(asked)).rejects.toThrow();
    await connection.disconnect();
    await connection.connect();
    expect(await connection.send(asked)).toBe('whole');
  });

  it('does not mix what two sockets say when it was made twice at once', async () => {
    onRequest = (socket, request) => {
      for (const other of sockets) if (other !== socket) other.write(Buffer.from([0, 0, 0, 1, 0]));
      socket.write(framed(request, 'whole'));
    };
    await Promise.all([connection.connect(), connection.connect()]);
    expect(await connection.send(asked)).toBe('whole');
  });
});
