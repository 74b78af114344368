import { Agent, request } from 'node:http';
import { pause } from '../parts/until.ts';

/** What clients saw. */
export interface LoadCount {
  answered: number;
  failed: number;
  /** The first few failures of the lap, in words with their time. */
  failures: string[];
  /** Answers by the release the page names. */
  byPage: Record<string, number>;
}

/** Clients that keep asking one address, some keeping their connection, some opening a new one each time. */
export interface Load {
  readonly withKeepAlive: LoadCount;
  readonly withoutKeepAlive: LoadCount;
  /** What was seen since the last lap, or since the start; the next one begins here. */
  lap(): Lap;
  /** Lets every request that is under way end, and asks no more. */
  stop(): Promise<void>;
}

/** What clients of both kinds saw for a while. */
export interface Lap {
  answered: number;
  failed: number;
  /** The first few failures of this lap. */
  failures: string[];
}

const clientsEach = 4;
const pauseMs = 30;
const patienceMs = 5000;

/** Starts the clients. An answer counts when it has status 200 and its page is whole; everything else is a failure. */
export function startLoad(url: string, pageOf: (body: string) => string | undefined): Load {
  let running = true;
  const keeping = new Agent({ keepAlive: true, maxSockets: clientsEach });
  const withKeepAlive = emptyCount();
  const withoutKeepAlive = emptyCount();
  const client = async (count: LoadCount, agent: Agent | false): Promise<void> => {
    while (running) {
      try {
        const body = await get(url, agent);
        const page = pageOf(body);
        if (page === undefined) throw new Error(`a page that is not the shop's: ${body.slice(0, 60)}`);
        count.answered += 1;
        count.byPage[page] = (count.byPage[page] ?? 0) + 1;
      } catch (error) {
        count.failed += 1;
        if (count.failures.length < 5) count.failures.push(`${new Date().toISOString()} ${String(error)}`);
      }
      await pause(pauseMs);
    }
  };
  const clients = Array.from({ length: clientsEach }, () => [client(withKeepAlive, keeping), client(withoutKeepAlive, false)]).flat();
  const lapOf = lapCounter([withKeepAlive, withoutKeepAlive]);
  return {
    withKeepAlive,
    withoutKeepAlive,
    lap: lapOf,
    stop: async () => {
      running = false;
      await Promise.all(clients);
      keeping.destroy();
    },
  };
}

function lapCounter(counts: readonly LoadCount[]): () => Lap {
  let before = { answered: 0, failed: 0 };
  return () => {
    const now = { answered: sumOf(counts, 'answered'), failed: sumOf(counts, 'failed') };
    const failures = counts.flatMap((count) => count.failures.splice(0));
    const lap = { answered: now.answered - before.answered, failed: now.failed - before.failed, failures };
    before = now;
    return lap;
  };
}

function sumOf(counts: readonly LoadCount[], what: 'answered' | 'failed'): number {
  return counts.reduce((sum, count) => sum + count[what], 0);
}

/** Answers and failures of both kinds of client together, since the start. */
export function totalOf(load: Load): { answered: number; failed: number } {
  return {
    answered: sumOf([load.withKeepAlive, load.withoutKeepAlive], 'answered'),
    failed: sumOf([load.withKeepAlive, load.withoutKeepAlive], 'failed'),
  };
}

function emptyCount(): LoadCount {
  return { answered: 0, failed: 0, failures: [], byPage: {} };
}

/** One GET; rejects unless the whole answer came with status 200 in time. */
export function get(url: string, agent: Agent | false = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, timeout: patienceMs }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200 && answer.complete) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`status ${answer.statusCode}${answer.complete ? '' : ', cut off'}`));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  });
}
