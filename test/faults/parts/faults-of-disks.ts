import type { Service } from '@slipway/contracts';
import type { FaultKind } from '../fault.ts';
import { aFault } from './hurting.ts';
import type { SmallDisk } from './small-disk.ts';

/** Disks of services that are full (facts/reliability.md 1.6 F01). */
export function faultsOfDisks(disk: SmallDisk, of: readonly Service[]): FaultKind[] {
  return [
    {
      name: 'disk of services full',
      part: 'disk',
      lasts: { least: 10, most: 40 },
      overlaps: ['service', 'kafka', 'postgres', 'docker', 'registry'],
      make: (_, seconds) =>
        aFault({
          name: `the disk of ${of.join(' and ')} is full for ${seconds} s`,
          begin: async () => Math.min(1, await disk.fill()),
          end: async () => void (await disk.free()),
        }),
    },
  ];
}
