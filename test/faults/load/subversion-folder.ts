import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { v7 } from 'uuid';

const run = promisify(execFile);

/** A Subversion repository that is read where it lies. Each of its commits makes an empty folder, of which no image can be built. */
export class SubversionFolder {
  private constructor(
    private readonly folder: string,
    readonly uuid: string,
  ) {}

  /** With its first commit. */
  static async make(folder: string): Promise<SubversionFolder> {
    await run('svnadmin', ['create', '--', folder], { timeout: 20_000 });
    const uuid = (await run('svnlook', ['uuid', '--', folder], { timeout: 20_000 })).stdout.trim();
    const repository = new SubversionFolder(folder, uuid);
    await repository.svn('mkdir', '-q', '-m', 'Lay it out', `${repository.url}/trunk`);
    return repository;
  }

  get url(): string {
    return `file://${this.folder}`;
  }

  /** Gives the revision. */
  async commit(): Promise<string> {
    await this.svn('mkdir', '-q', '-m', 'Make room', `${this.url}/trunk/${v7()}`);
    return await this.svn('info', '--show-item', 'revision', this.url);
  }

  private async svn(...words: string[]): Promise<string> {
    const login = ['--non-interactive', '--config-dir', join(this.folder, 'client'), '--username', 'ann'];
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };
    return (await run('svn', [...login, ...words], { timeout: 20_000, env })).stdout.trim();
  }
}
