import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { aPerson } from '@slipway/testkit';

const run = promisify(execFile);

/** Who commits to these repositories. */
export const author = aPerson({ name: 'Ann Author' });

/** A Git repository whose image is a static web server FROM scratch; each commit says another page. */
export class Repository {
  private constructor(readonly dir: string) {}

  static async make(): Promise<Repository> {
    const repository = new Repository(await mkdtemp(join(tmpdir(), 'slipway-repository-')));
    await repository.git('init', '--quiet', '--initial-branch=main');
    await cp('node_modules/@esbuild/linux-x64/bin/esbuild', join(repository.dir, 'server'));
    const serve = '["/server", "--servedir=/site", "--serve=0.0.0.0:8080", "--watch=forever"]';
    await repository.write('Dockerfile', `FROM scratch\nCOPY server /server\nCOPY site /site\nENTRYPOINT ${serve}\n`);
    await repository.commit('one');
    return repository;
  }

  get url(): string {
    return `file://${this.dir}`;
  }

  async write(file: string, text: string): Promise<void> {
    await mkdir(join(this.dir, file, '..'), { recursive: true });
    await writeFile(join(this.dir, file), text);
  }

  /** Gives the revision. */
  async commit(page: string): Promise<string> {
    await this.write('site/index.html', page);
    await this.git('add', '.');
    await this.git('commit', '--quiet', '-m', `Say ${page}`);
    return (await this.git('rev-parse', 'HEAD')).trim();
  }

  /**
   * Brings what this revision holds to a branch, new or not: a merge where there is one, for who only polls never sees what is pushed away before he looks.
   * Gives the revision.
   */
  async branch(name: string, of: string): Promise<string> {
    const before = (await this.git('for-each-ref', '--format=%(objectname)', `refs/heads/${name}`)).trim();
    const parents = [before, of].filter((each) => each !== '').flatMap((each) => ['-p', each]);
    const revision = (await this.git('commit-tree', ...parents, '-m', `Try it on ${name}`, `${of}^{tree}`)).trim();
    await this.git('update-ref', `refs/heads/${name}`, revision);
    return revision;
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }

  private async git(...words: string[]): Promise<string> {
    const by = ['-c', 'user.name=Ann Author', '-c', `user.email=${author.emails[0]}`];
    return (await run('git', ['-C', this.dir, ...by, ...words], { timeout: 20_000 })).stdout;
  }
}
