import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
      make: (_, seconds) => {
        let refusals: () => Promise<number> = async () => 0;
        let before = 0;
        return aFault({
          name: `the disk of ${of.join(' and ')} is full for ${seconds} s`,
          begin: async ({ suite }) => {
            refusals = () => linesOf(suite.logs, /ENOSPC|[Nn]o space left on device/);
            before = await refusals();
            await disk.fill();
            return undefined;
          },
          end: async () => {
            await disk.free();
            return (await refusals()) - before;
          },
        });
      },
    },
  ];
}

/** How many lines of these logs are about it. */
async function linesOf(folder: string, about: RegExp): Promise<number> {
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return texts.reduce((sum, text) => sum + text.split('\n').filter((line) => about.test(line)).length, 0);
}
