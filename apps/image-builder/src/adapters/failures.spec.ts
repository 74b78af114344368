import { BuildFailed, Conflict, ContextRefused, LimitExceeded, Refused, TimedOut, Unavailable } from '@slipway/docker-engine';
import { RegistryRefused, RegistryUnavailable, RegistryUntrusted } from '@slipway/registry';
import { SourceError } from '@slipway/source-control';
import { describe, expect, it } from 'vitest';
import { LogIsFull } from '../ports.js';
import { absentIn, failureOf, OutOfTime } from './failures.js';

const limits = { memory: 64 * 1024 ** 2 };

describe('what an error means for a build', () => {
  it.each([
    [new BuildFailed('exit 1', 'Step 2/3 : RUN make', 1), 'build-failed'],
    [new OutOfTime(60), 'time-limit'],
    [new LogIsFull('long'), 'log-limit'],
    [new LimitExceeded('context size', 'big'), 'context-size-limit'],
    [new LimitExceeded('source entries', 'many'), 'source-entries-limit'],
    [new ContextRefused('link'), 'context-refused'],
    [new SourceError('authentication', 'no'), 'source-authentication'],
    [new Refused('denied', 403), 'registry-refused'],
    [new RegistryRefused('denied', 401), 'registry-refused'],
    [new RegistryUntrusted('other bytes'), 'registry-refused'],
  ])('%o is a failure of the build', (error, code) => {
    expect(failureOf(error, limits)).toMatchObject({ outcome: 'failed', reason: { code } });
  });

  it.each([
    [new Unavailable('docker away')],
    [new TimedOut('push hangs')],
    [new Conflict('busy', 409)],
    [new RegistryUnavailable('registry away')],
    [new SourceError('unreachable', 'away')],
    [new SourceError('timeout', 'slow')],
    [new TypeError('our own bug')],
  ])('%o is none: it is tried again', (error) => {
    expect(failureOf(error, limits)).toBeUndefined();
  });

  it.each([
    [new Unavailable('docker away'), false, 'docker-engine'],
    [new Unavailable('push shop: connection refused'), true, 'registry'],
    [new Unavailable('write: no space left on device'), true, 'docker-engine'],
    [new RegistryUnavailable('registry away'), true, 'registry'],
    [new SourceError('unreachable', 'away'), true, 'source'],
    [new SourceError('authentication', 'no'), true, undefined],
    [new TypeError('our own bug'), true, undefined],
  ])('%o, with an engine that answers: %s, is the absence of %s', async (error, answers, part) => {
    expect(await absentIn(error, async () => answers)).toBe(part);
  });

  it('says what may have killed a step, and which step it was', () => {
    const failure = failureOf(new BuildFailed('non-zero code: 137', 'Step 2/3 : RUN make', 137), limits);
    expect(failure).toMatchObject({ step: 'Step 2/3 : RUN make', reason: { message: expect.stringContaining('the limit of 64 MiB') } });
  });
});
