import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { onServer } from '../../tools/parts/borrowed.ts';
import { withTimeout } from '../../tools/parts/until.ts';
import type { Order, Report } from './hop/parent.ts';
import type { Place } from './place.ts';
import { type Figure, interleave, quantile } from './rounds.ts';

/** Open loop: 50 events a second, whatever becomes of them. */
const everyMs = 20;

interface Ends {
  readonly speaks: ChildProcess;
  readonly hears: ChildProcess;
}

/** PB2: from a state change committed in one service to the state change it leads to, committed in another. Each end is a process. */
export async function measureHop(place: Place, wish: { rounds: number; samples: number; tell: (text: string) => void }): Promise<Figure> {
  const database = new URL(place.parts.postgres.url);
  // The services' schemas belong to roles of their own: the hop has a database to itself.
  await onServer(database.href, 'create database hop');
  database.pathname = '/hop';
  const raw = await startEnds(place, 'raw-side.ts', database.href);
  const suite = await startEnds(place, 'suite-side.ts', database.href);
  const all = { baseline: [] as number[], suite: [] as number[] };
  const once = (ends: Ends, name: keyof typeof all) => async (round: number) => {
    const taken = await takeHops(ends, wish.samples);
    if (round > 0) all[name].push(...taken);
    return quantile(taken, 0.5);
  };
  const rounds = await interleave(wish.rounds, { baseline: once(raw, 'baseline'), suite: once(suite, 'suite') }, wish.tell);
  const tails = [0.5, 0.95, 0.99].map(
    (share) => `p${share * 100} ${quantile(all.baseline, share).toFixed(1)}/${quantile(all.suite, share).toFixed(1)}`,
  );
  return {
    name: 'event hop, p50',
    unit: 'ms',
    baselineIs: 'kafkajs produces (acks all), kafkajs consumes, one insert; the same broker and Postgres, a process for each end',
    rounds,
    gate: { of: 'ratio', most: 3, aim: 1.8 },
    notes: [
      `Over ${all.suite.length} hops a side, 50 a second in open loop, baseline/suite in ms: ${tails.join(', ')}; p99 ratio ${(quantile(all.suite, 0.99) / quantile(all.baseline, 0.99)).toFixed(2)}`,
      'The suite’s hop runs from the commit in A to the commit in B: outbox, relay, signature, Kafka, verification, inbox, state change, answer and stored offset in one transaction',
    ],
  };
}

async function startEnds(place: Place, program: string, database: string): Promise<Ends> {
  // Who hears is there first: it makes the topic.
  const hears = await startEnd(place, { program, role: 'hears', database });
  return { hears, speaks: await startEnd(place, { program, role: 'speaks', database }) };
}

async function startEnd(
  place: Place,
  { program, role, database }: { program: string; role: 'speaks' | 'hears'; database: string },
): Promise<ChildProcess> {
  const service = role === 'speaks' ? 'source-watcher' : 'image-builder';
  const own = place.environment.of(service);
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    DATABASE_URL: database,
    KAFKA_BROKERS: place.parts.kafka.url,
    TOPIC_PREFIX: `${place.names.topicPrefix}hop.`,
    KEY_FILE: own['SLIPWAY_KEY_FILE'],
    TRUST_FILE: own['SLIPWAY_TRUST_FILE'],
  };
  const child = fork(join(import.meta.dirname, 'hop', program), [role], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  place.cleanup.defer(`end ${program} ${role}`, () => ended(child));
  await withTimeout(`${program} ${role} is ready`, said(child, 'ready'), 60_000);
  return child;
}

async function takeHops({ speaks, hears }: Ends, count: number): Promise<number[]> {
  const times = (child: ChildProcess, order: Order) => {
    const told = said(child, 'times');
    child.send(order);
    return withTimeout(`${count} hops`, told, count * everyMs + 120_000);
  };
  const [arrived, sent] = await Promise.all([times(hears, { do: 'collect', count }), times(speaks, { do: 'send', count, everyMs })]);
  const begun = new Map(sent.times);
  // Heard before A knew that its own commit was through: then the hop took no time at all.
  return arrived.times.map(([id, at]) => Math.max(0, at - (begun.get(id) ?? Number.NaN)));
}

function said<Kind extends Report['said']>(child: ChildProcess, kind: Kind): Promise<Extract<Report, { said: Kind }>> {
  return new Promise((resolve, reject) => {
    const heard = (message: Report): void => {
      if (message.said !== kind) return;
      child.off('message', heard);
      child.off('exit', gone);
      resolve(message as Extract<Report, { said: Kind }>);
    };
    const gone = (code: number | null): void => reject(new Error(`an end of the hop ended with code ${code}`));
    child.on('message', heard);
    child.once('exit', gone);
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const forced = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(forced);
}
