import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** How long a byte of a test takes beside one of another: few lines make a whole suite go through a minute. */
function weight(file: string): number {
  return file.endsWith('.e2e.spec.ts') ? 5 : file.endsWith('.int.spec.ts') ? 2 : 1;
}

/**
 * What takes long begins first, so that no worker still has a whole suite to run when the others are done. vitest goes by size alone where it knows of no
 * earlier run, and the shortest file of all takes a minute. The order is the same everywhere.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const length = new Map(files.map((file) => [file, statSync(file.moduleId).size * weight(file.moduleId)]));
    return [...files].sort((one, other) => (length.get(other) ?? 0) - (length.get(one) ?? 0));
  }
}
