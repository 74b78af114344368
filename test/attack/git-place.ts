import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSourceControls, type Point, type Source, type SourceControl, type SourceControlConfig } from '@slipway/source-control';
import { GitGround } from '../../libs/source-control/src/git/git-ground.contract.js';
import { SvnGround } from '../../libs/source-control/src/svn/svn-servers.contract.js';
import { type HostileServer, serve } from './hostile-git.ts';

/** A commit id of the right shape. */
export const id = 'a'.repeat(40);

/** The head of the main branch. */
export function main(revision: string): Point {
  return { ref: 'refs/heads/main', revision };
}

/** A source of everything at a url. */
export function source(url: string, more: Partial<Source> = {}): Source {
  return { name: 'shop', url, branches: ['**'], tags: ['**'], ...more };
}

/** Where repositories and servers of one file of attacks live, and what reads them. */
export class GitPlace {
  private readonly servers: HostileServer[] = [];
  private count = 0;

  private constructor(
    readonly folder: string,
    readonly ground: GitGround,
    readonly svnGround: SvnGround,
  ) {}

  static async make(): Promise<GitPlace> {
    const folder = await mkdtemp(join(tmpdir(), 'attack-git-'));
    await mkdir(join(folder, 'secrets'));
    return new GitPlace(folder, await GitGround.make(), await SvnGround.make());
  }

  /** What reads Git or Subversion, on a data folder of its own. */
  control(config: Partial<SourceControlConfig> = {}, kind: 'git' | 'svn' = 'git'): SourceControl {
    const dataDir = join(this.folder, `data-${++this.count}`);
    const fileFolders = [this.ground.repositories, this.svnGround.repositories];
    return createSourceControls({ dataDir, secretsDir: join(this.folder, 'secrets'), fileFolders, ...config })[kind];
  }

  async serve(...args: Parameters<typeof serve>): Promise<HostileServer> {
    const server = await serve(...args);
    this.servers.push(server);
    return server;
  }

  /** A bare repository, a developer's clone of it, and a source that reads it as a folder. */
  async repository(): ReturnType<GitGround['repository']> {
    const name = `repo-${++this.count}`;
    return this.ground.repository(name, `file://${this.ground.repositories}/${name}.git`, { branches: ['**'], tags: ['**'] });
  }

  async drop(): Promise<void> {
    for (const server of this.servers) await server.close();
    for (const each of [this.ground.folder, this.svnGround.folder, this.folder]) await rm(each, { recursive: true, force: true });
  }
}
