import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { reasonOf } from './source-control.contract.js';
import { guardFileUrl, guardUrl } from './source-url.js';

const guard = async (kind: 'git' | 'svn', url: string) => guardUrl(kind, url).url;

describe('url guard', () => {
  it.each([
    '--upload-pack=touch /tmp/x',
    '-oProxyCommand=touch',
    'ext::sh -c touch% /tmp/x',
    'ext::sh',
    'fd::17',
    'ssh://-oProxyCommand=x/repo',
    'ssh://-oProxyCommand=x@host/repo',
    'ssh://host/-oProxyCommand=x',
    'ssh://host/%2doProxyCommand',
    '-oProxyCommand=x@host:repo',
    'user@-oProxyCommand:repo',
    'https://host/a\nb',
    'https://host/a%0ab',
    'https://host/a%00',
    'https://host/a b',
    'https://host/../../etc',
    'https://host/%2e%2e/x',
    'https://host/a%2f..%2fb',
    'https://host\\@evil/x',
    'https://good@evil@host/x',
    'https://host/x?a=b',
    'https://host/x#f',
    'https://ho$(id)st/x',
    'https://`id`/x',
    'https:///x',
    'ftp://host/x',
    'svn://host/x',
    '/srv/repo.git',
    '../repo.git',
    'file://host/srv/repo.git',
    'file://user@/srv',
    `https://host/${'a'.repeat(1000)}`,
    'https://host/‮gpj',
    '',
  ])('refuses %j for Git', async (url) => {
    await expect(reasonOf(guard('git', url))).resolves.toBe('refused-url');
  });

  it.each([
    'svn+ssh://-oProxyCommand=x/repo',
    'svn+rsh://host/x',
    'svn+sh://x/y',
    'ssh://host/x',
    'git://host/x',
    'host:path',
    '-r',
    'svn://ho st/x',
  ])('refuses %j for Subversion', async (url) => {
    await expect(reasonOf(guard('svn', url))).resolves.toBe('refused-url');
  });

  it('lets plain urls through', () => {
    expect(guardUrl('git', 'https://git.example.com:8443/team/shop.git').url).toBe('https://git.example.com:8443/team/shop.git');
    expect(guardUrl('git', 'git@example.com:team/shop.git').url).toBe('ssh://git@example.com/team/shop.git');
    expect(guardUrl('git', 'ssh://git@example.com:2222/~me/shop').url).toBe('ssh://git@example.com:2222/~me/shop');
    expect(guardUrl('git', 'http://[::1]:3000/a.git').host).toBe('[::1]');
    expect(guardUrl('svn', 'svn+ssh://me@svn.example.com/srv/shop%20two').url).toBe('svn+ssh://me@svn.example.com/srv/shop%20two');
  });

  it('splits credentials off the url', () => {
    expect(guardUrl('git', 'https://jo:p%40ss@host/x')).toMatchObject({ url: 'https://host/x', username: 'jo', password: 'p@ss' });
  });

  it('allows a folder only below the listed ones, links followed', async () => {
    const folder = await mkdtemp('/tmp/slipway-guard-');
    await mkdir(`${folder}/in/repo`, { recursive: true });
    await mkdir(`${folder}/in-secret`);
    await symlink('/etc', `${folder}/in/out`);
    const refusal = (path: string, folders = [`${folder}/in`]) => reasonOf(guardFileUrl(`file://${path}`, folders));
    expect(await refusal(`${folder}/in/repo`)).toBe('no error');
    expect(await refusal(`${folder}/in/none`)).toBe('gone');
    expect(await refusal(`${folder}/in/out`)).toBe('refused-url');
    expect(await refusal(`${folder}/in-secret`)).toBe('refused-url');
    expect(await refusal('/etc/passwd')).toBe('refused-url');
    expect(await refusal(`${folder}/in/repo`, [])).toBe('refused-url');
    await rm(folder, { recursive: true });
  });
});
