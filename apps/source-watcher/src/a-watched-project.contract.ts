import { CommitDetected, type DataOf, type ProjectFile } from '@slipway/contracts';
import type { Repository, Stage } from './a-stage.contract.js';

/** What a test starts from. */
export interface WatchedProject {
  readonly repository: Repository;
  /** Its first revision. */
  readonly first: string;
  readonly file: ProjectFile;
  readonly born: DataOf<typeof CommitDetected>;
}

/** A repository with one commit, watched; its first release. */
export async function aWatchedProject(
  stage: Stage,
  name: string,
  git: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
): Promise<WatchedProject> {
  const repository = await stage.repository(name);
  const first = await repository.commit({ 'index.html': '1' }, 'first');
  await repository.push();
  const file = stage.file(name, { url: repository.url, ...git }, spec);
  await stage.apply(file);
  return { repository, first, file, born: await stage.nth(CommitDetected, name, 1) };
}
