import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProjectFile, TargetFile } from '@slipway/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { Cleanup } from '../../parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../../parts/data-dir.ts';
import { findCommand } from '../../parts/processes.ts';
import { projectFile, stablePorts, targetFile } from '../project.ts';
import { gitSample } from './git.ts';
import { type Change, commitOnPage, sellingPoint } from './shop.ts';
import { svnSample } from './svn.ts';

const run = promisify(execFile);
const dana = { name: 'Dana Developer', email: 'dana@shop.example', account: 'dana' };
const first: Change = { author: dana, message: 'Open the shop', commit: 1, broken: false };
const asDana = { GIT_AUTHOR_NAME: dana.name, GIT_AUTHOR_EMAIL: dana.email, GIT_COMMITTER_NAME: dana.name, GIT_COMMITTER_EMAIL: dana.email };
const cleanup: Cleanup[] = [];

async function aPlace(): Promise<{ dataDir: DataDir; end: Cleanup }> {
  const end = new Cleanup();
  cleanup.push(end);
  const dataDir = await temporaryDataDir('spec');
  end.defer('remove the folder', () => dataDir.close());
  return { dataDir, end };
}

afterEach(async () => {
  for (const end of cleanup.splice(0)) expect(await end.run()).toEqual([]);
});

describe('the sample shop', () => {
  it('is to be had from Git as its author committed it', async () => {
    const { dataDir, end } = await aPlace();
    const source = await gitSample(dataDir, end);
    const revision = await source.commit(first);
    const clone = join(dataDir.path, 'clone');
    await run('git', ['clone', '-q', '--', source.url, clone]);
    const { stdout } = await run('git', ['log', '-1', '--format=%H %an <%ae> %s'], { cwd: clone });
    expect(stdout.trim()).toBe(`${revision} Dana Developer <dana@shop.example> Open the shop`);
    await expectShop(clone);
  });

  it.skipIf(findCommand('svnserve') === undefined)('is to be had from Subversion as its author committed it', async () => {
    const { dataDir, end } = await aPlace();
    const source = await svnSample(dataDir, end, ['dana']);
    const revision = await source.commit(first);
    const copy = join(dataDir.path, 'copy');
    await run('svn', ['checkout', '-q', '--non-interactive', `${source.url}/trunk`, copy]);
    const { stdout } = await run('svn', ['log', '-q', '-r', revision, '--non-interactive', source.url]);
    expect(stdout).toContain(`r${revision} | dana |`);
    await expectShop(copy);
  });

  it.skipIf(findCommand('svnserve') === undefined)('is committed to by hand as the demo says, with no password in a command', async () => {
    for (const sample of [svnSample, gitSample]) {
      const { dataDir, end } = await aPlace();
      const source = await sample(dataDir, end, ['dana']);
      await source.commit(first);
      const env = { ...process.env, EDITOR: 'sed -i s/Shop/Stall/', ...asDana };
      const { stdout, stderr } = await run('sh', ['-c', source.byHand], { env });
      expect(`${stdout}${stderr}`).toMatch(source.kind === 'Git' ? /main -> main/ : /Committed revision 3/);
      expect(source.byHand).not.toMatch(/--password\b(?!-from-stdin)/);
    }
  });

  it('has a project file and a target file that Slipway accepts', async () => {
    const { dataDir, end } = await aPlace();
    const source = await gitSample(dataDir, end);
    const ports = await stablePorts();
    const names = { installation: 'demo-1', topicPrefix: 'slipway-demo-1.', project: 'shop', repository: 'localhost:5000/shop' };
    expect(ProjectFile.safeParse(projectFile(names, source, ports)).error).toBeUndefined();
    expect(TargetFile.safeParse(targetFile(names, ports)).error).toBeUndefined();
  });
});

async function expectShop(folder: string): Promise<void> {
  expect((await readdir(folder)).filter((name) => !name.startsWith('.')).sort()).toEqual(['Dockerfile', 'server', 'site']);
  const page = await readFile(join(folder, 'site', 'index.html'), 'utf8');
  expect(commitOnPage(page)).toBe('1');
  expect(page).toContain(sellingPoint);
  // It runs as it lies there, without a base image.
  await run(join(folder, 'server'), ['--version']);
}
