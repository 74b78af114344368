import { EngineError } from '@slipway/docker-engine';
import type { EnvironmentRef } from '../deployment.js';
import type { InstanceEvidence } from '../observed.js';
import type { EnvironmentFiles } from './environment-files.js';
import { type Fact, readFacts, runKey, toInstance } from './facts.js';
import { LogTail } from './log-tail.js';
import type { Prober } from './probe.js';
import type { Settings } from './settings.js';

const keptLines = 50;
/** Evidence travels in events and rows. */
const longestLine = 500;
const mostInstances = 5;
const logLimitMs = 5000;

/** Why instances do not do well: their last probes, their last lines, how they ended. */
export async function evidence(
  settings: Settings,
  files: EnvironmentFiles,
  prober: Prober,
  environment: EnvironmentRef,
  names?: readonly string[],
): Promise<InstanceEvidence[]> {
  const memory = await files.remembered();
  const facts = await readFacts({
    settings,
    environment,
    prober,
    health: memory?.deployment.app.health,
    members: new Set(memory?.members),
    socket: files.socket,
  });
  const chosen = facts.filter((fact) => names === undefined || names.includes(fact.info.name)).slice(0, mostInstances);
  return await Promise.all(chosen.map((fact) => one(settings, prober, fact)));
}

async function one(settings: Settings, prober: Prober, fact: Fact): Promise<InstanceEvidence> {
  const instance = toInstance(fact, settings);
  const { state, restarts, exitCode, outOfMemory } = instance;
  const probes = prober.last(runKey(fact.info)).probes;
  return {
    instance: instance.name,
    state,
    probes,
    log: await lastLines(settings, instance.id),
    restarts,
    ...(exitCode !== undefined && { exitCode }),
    ...(outOfMemory && { outOfMemory }),
  };
}

async function lastLines(settings: Settings, id: string): Promise<readonly string[]> {
  const tail = new LogTail(keptLines, longestLine);
  try {
    for await (const piece of settings.engine.containers.logs(id, { tail: keptLines, timeoutMs: logLimitMs })) tail.add(piece);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
  }
  return tail.lines;
}
