import { GitSourceControl } from './git/git-source-control.js';
import type { SourceControl, SourceControlConfig } from './source-control.js';
import { SvnSourceControl } from './svn/svn-source-control.js';

/** One adapter a kind of source, all on one configuration. A new system is one folder and one line here. */
export function createSourceControls(config: SourceControlConfig): Record<SourceControl['kind'], SourceControl> {
  return { git: new GitSourceControl(config), svn: new SvnSourceControl(config) };
}
