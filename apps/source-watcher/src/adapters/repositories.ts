import type { ProjectFile } from '@slipway/contracts';
import type { Source, SourceControl } from '@slipway/source-control';
import { Repositories } from '../ports.js';

/** Git and Subversion by libs/source-control. */
export class SystemRepositories extends Repositories {
  constructor(private readonly controls: Record<SourceControl['kind'], SourceControl>) {
    super();
  }

  of(project: string, file: ProjectFile): { control: SourceControl; source: Source } {
    const { git, svn } = file.spec.source;
    const given = git ?? svn;
    if (!given) throw new Error(`the source of ${project} is neither Git nor Subversion`);
    const common = { name: project, url: given.url, branches: given.branches, tags: given.tags, credentials: given.credentials };
    if (git) return { control: this.controls.git, source: { ...common, submodules: git.submodules, lfs: git.lfs } };
    return { control: this.controls.svn, source: { ...common, username: svn?.username } };
  }
}
