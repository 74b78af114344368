import { aTargetFile } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { Targets } from './targets.js';

const docker = (changes: object = {}) => aTargetFile({ spec: { docker: changes } }).spec.docker;

describe('the orchestrators behind targets', () => {
  const targets = () => new Targets({ dataDir: '/nowhere', dockerHost: 'unix:///nowhere.sock' });

  it('are one for as long as the place stays the same, whatever else the target’s file says', () => {
    const known = targets();
    const file = aTargetFile();
    const orchestrator = known.orchestratorOf(file);
    expect(known.orchestratorOf({ ...file, metadata: { ...file.metadata, description: 'the rack by the door' } })).toBe(orchestrator);
    expect(known.at({ name: file.metadata.name, docker: docker() })).toBe(orchestrator);
    expect(known.at({ name: file.metadata.name, docker: docker({ address: '0.0.0.0' }) })).not.toBe(orchestrator);
    expect(known.at({ name: file.metadata.name, docker: docker({ host: 'tcp://10.0.0.7:2376' }) })).not.toBe(orchestrator);
  });

  it('are not kept for ever: what was not used for long makes room', () => {
    const known = targets();
    const at = (port: number) => known.at({ name: 'lab', docker: docker({ ports: `${port}-${port + 9}` }) });
    const [first, second] = [at(20_000), at(21_000)];
    for (let port = 30_000; port < 30_199; port++) at(port);
    expect(at(21_000)).toBe(second);
    expect(at(20_000)).not.toBe(first);
  });
});
