import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Point } from './audit-chain.js';
import { Refused } from './exit.js';
import { writePrivate } from './private-files.js';
import { stateFolder } from './settings.js';
import type { Surroundings } from './surroundings.js';

const Memory = z.record(z.string(), z.record(z.string(), z.object({ sequence: z.int(), hash: z.string() })));

/**
 * The heads verified on this machine earlier, by gateway and chain. Who rewrites or shortens a chain and its signed head alike is found out by whoever
 * verified it before.
 */
export class AuditMemory {
  private constructor(
    private readonly file: string,
    private readonly heads: z.infer<typeof Memory>,
  ) {}

  static async load(around: Surroundings): Promise<AuditMemory> {
    const file = join(stateFolder(around), 'audit-heads.json');
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '{}';
      throw error;
    });
    return new AuditMemory(file, headsIn(file, text));
  }

  point(gateway: string, chain: string): Point[] {
    const point = this.heads[gateway]?.[chain];
    return point ? [point] : [];
  }

  async remember(gateway: string, points: ReadonlyMap<string, Point>): Promise<void> {
    const heads = { ...this.heads, [gateway]: { ...this.heads[gateway], ...Object.fromEntries(points) } };
    await writePrivate(this.file, `${JSON.stringify(heads, null, 2)}\n`);
  }
}

/** Who could spoil this file unnoticed could make us forget what we saw. */
function headsIn(file: string, text: string): z.infer<typeof Memory> {
  try {
    return Memory.parse(JSON.parse(text));
  } catch {
    throw new Refused(
      `${file} is damaged: the heads of audit chains seen earlier cannot be compared. Find out why; to begin anew, remove it`,
    );
  }
}
