import { inSeconds, type ProjectFile, type RepositoryFile } from '@slipway/contracts';

/** Where a build's files come from, as the project file says it. */
export interface RecipeSource {
  readonly kind: 'git' | 'svn';
  readonly url: string;
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  readonly username: string | null;
  /** Name of a secret, never its value. */
  readonly credentials: string | null;
  readonly submodules: boolean;
  readonly lfs: boolean;
}

/** All that decides what a revision's image is. Two builds of one revision with equal recipes give the same image. JSON. */
export interface Recipe {
  readonly source: RecipeSource;
  /** Where the image goes, `registry:port/path`. */
  readonly repository: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | null;
  readonly args: Readonly<Record<string, string>>;
  /** What the build may take, in seconds. */
  readonly timeout: number;
}

/**
 * Settles how a release is built: the project file, and what the repository's own file adds. Arguments of the project file win,
 * and the repository can make the time limit shorter only: it adds, it never loosens (design part 5).
 */
export function recipeOf(file: ProjectFile, repositoryFile: RepositoryFile | null): Recipe {
  const { docker } = file.spec.build;
  const own = repositoryFile?.build?.docker ?? {};
  const limits = [docker.timeout, ...(own.timeout === undefined ? [] : [own.timeout])].map(inSeconds);
  return {
    source: sourceOf(file),
    repository: file.spec.image.repository,
    context: own.context ?? docker.context,
    dockerfile: own.dockerfile ?? docker.dockerfile,
    target: own.target ?? docker.target ?? null,
    args: { ...own.args, ...docker.args },
    timeout: Math.min(...limits),
  };
}

function sourceOf(file: ProjectFile): RecipeSource {
  const { git, svn } = file.spec.source;
  if (git) {
    const { url, branches, tags, submodules, lfs } = git;
    return { kind: 'git', url, branches, tags, submodules, lfs, username: null, credentials: git.credentials ?? null };
  }
  if (!svn) throw new RangeError(`project ${file.metadata.name} has no source`);
  const { url, branches, tags } = svn;
  return {
    kind: 'svn',
    url,
    branches,
    tags,
    submodules: false,
    lfs: false,
    username: svn.username ?? null,
    credentials: svn.credentials ?? null,
  };
}
