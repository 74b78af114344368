import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, TargetState } from './target-state.ts';

/** How long a change takes. */
const changeMs = 10;

/** STAND-IN for a target, a process of its own: `node target.ts <port> <file>`; its history goes into the file, a line of JSON a change. */
const [port, file] = process.argv.slice(2);
if (port === undefined || file === undefined) throw new Error('Name a port and a file for the history.');
const history = createWriteStream(file, { flags: 'a' });
const state = new TargetState((change) => history.write(`${JSON.stringify(change)}\n`));

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const { answer, changed } = state.take(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Call);
      if (changed) await delay(changeMs);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1');
