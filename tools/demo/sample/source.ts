import type { ProjectFile } from '@slipway/contracts';
import type { z } from 'zod';
import type { Change } from './shop.ts';

/** The repository of the sample shop, served on the loopback address as a real one would be. */
export interface SampleSource {
  /** Said on the terminal. */
  readonly kind: 'Git' | 'Subversion';
  readonly url: string;
  /** The `source` of the project file. */
  readonly spec: z.input<typeof ProjectFile>['spec']['source'];
  /** How a person at a shell commits something themselves. */
  readonly byHand: string;
  /** Commits a change to the main line as its author and gives the revision. */
  commit(change: Change): Promise<string>;
}
