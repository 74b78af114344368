import { services } from '@slipway/contracts';
import type { FaultKind } from '../fault.ts';
import { blackHoled, cutOff } from './hurting.ts';
import { partsApart, type Ways } from './ways.ts';

const part = 'network';
const overlaps = ['service'] as const;

/** Faults of the network between services and parts. */
export function faultsOfNetwork(ways: Ways): FaultKind[] {
  return [
    {
      name: 'network gone',
      part,
      lasts: { least: 15, most: 25 },
      overlaps,
      make: () => cutOff('every service is cut off from everything', ways.all()),
    },
    {
      name: 'one service cut off',
      part,
      lasts: { least: 10, most: 40 },
      overlaps,
      weight: 2,
      make: (chance) => {
        const [service, from] = [chance.one(services), chance.one(partsApart)];
        const way = [ways.of[service][from]];
        return chance.one([
          () => cutOff(`${service} is cut off from ${from}`, way),
          () => blackHoled(`nothing gets from ${service} to ${from} or back, without a word`, way),
        ])();
      },
    },
  ];
}
