import type { Step } from '../demo.ts';
import { brokenCommit } from './broken-commit.ts';
import { firstCommit } from './first-commit.ts';
import { fourthCommit } from './fourth-commit.ts';
import { operating } from './operating.ts';
import { rejectedCommit } from './rejected-commit.ts';

/** The story, in order. */
export const story: readonly Step[] = [...firstCommit, brokenCommit, rejectedCommit, ...fourthCommit, ...operating];
