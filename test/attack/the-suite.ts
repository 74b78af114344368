import type { TestProject } from 'vitest/node';
import { aSuiteOfProcesses } from '../faults/a-suite-of-processes.js';
import './attacked.ts';

/** Starts the suite that every case attacks, once, and ends it when all are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const suite = await aSuiteOfProcesses({ ports: '23400-23899', settings: {} });
  project.provide('attacked', {
    gatewayUrl: suite.environment.gatewayUrl,
    ports: suite.environment.ports,
    dataDir: suite.dataDir.path,
    trustFile: suite.environment.trustFile,
    databaseUrl: suite.databaseUrl,
    topicPrefix: suite.topicPrefix,
    installation: suite.installation,
    administratorToken: suite.administratorToken,
    target: 'lab',
  });
  return () => suite.clear();
}
