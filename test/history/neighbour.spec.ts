import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { aCanary, lookFor } from '../attack/canary.js';
import { Neighbour } from './neighbour.js';

describe('a neighbour on the machine', () => {
  it('sees what others are started with, in arguments and environment, and says of none what it is', async () => {
    const [argument, variable] = [aCanary('an argument'), aCanary('a variable')];
    const neighbour = Neighbour.every(100);
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30_000)', argument.value], { env: { OF_MINE: variable.value } });
    try {
      await eventually(() => neighbour.saw(Buffer.from(argument.value).toString('latin1')), { within: 10_000 });
      const found = await lookFor([argument, variable, aCanary('of nobody')], [neighbour]);
      expect(found.map(({ canary, where }) => [canary, where])).toEqual(
        expect.arrayContaining([
          ['an argument', process.execPath],
          ['a variable', 'OF_MINE='],
        ]),
      );
      expect(found.map(({ canary }) => canary)).not.toContain('of nobody');
    } finally {
      neighbour.close();
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});
