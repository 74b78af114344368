import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { readTree, reasonOf } from '../../libs/source-control/src/source-control.contract.js';
import { svn } from '../../libs/source-control/src/svn/svn-servers.contract.js';
import { attack } from './case.ts';
import { GitPlace, source } from './git-place.ts';

let place: GitPlace;
beforeAll(async () => {
  place = await GitPlace.make();
});
afterAll(() => place?.drop());

const trunk = (revision: string) => ({ ref: 'refs/heads/trunk', revision });
const aRepository = async (name: string) =>
  place.svnGround.repository(name, `file://${place.svnGround.repositories}/${name}`, { branches: ['trunk'], tags: [] });

describe('Subversion', () => {
  attack(
    'G60',
    {
      input:
        'urls, branches and user names that are options: --config-option, -oProxyCommand, svn+ssh with a tunnel of its own, a peg revision',
      expected: 'refused before svn starts, or an ordinary name; nothing of them runs',
    },
    async () => {
      const canary = join(place.folder, 'g60');
      const control = place.control({}, 'svn');
      const urls = [
        `--config-option=config:tunnels:ssh=touch ${canary}`,
        '-oProxyCommand=x',
        `svn+ssh://-oProxyCommand=touch${canary}/x`,
        'svn+ssh://a@-oProxyCommand=x/x',
        `svn+evil://host/x`,
        'ext::sh -c x',
        'file:///etc',
        'file://otherhost/etc',
        'svn://host/x?y#z',
        'svn://ci:secret@host/x',
        'svn://host/../../etc',
        'svn://host/%2e%2e/x',
        'svn://ho st/x',
      ];
      for (const url of urls) expect(await reasonOf(control.heads(source(url))), url).toBe('refused-url');
      const repository = await aRepository('options');
      const revision = await repository.commit({ a: '1' }, 'first');
      for (const name of ['--show-item', '-r1', '../options', 'a/../../b', 'a\nb', '']) {
        const to = { ref: `refs/heads/${name}`, revision };
        expect(await reasonOf(control.commits(repository.source, { to })), name).toBe('refused-ref');
      }
      for (const odd of ['HEAD', '1:HEAD', '{2020-01-01}', '-1', '1 --username x'])
        expect(await reasonOf(control.archive(repository.source, trunk(odd))), odd).toBe('unknown-revision');
      const user = { ...repository.source, username: '--config-option=config:tunnels:ssh=x' };
      expect((await control.heads(user)).heads).toHaveLength(1);
      expect(existsSync(canary)).toBe(false);
      return `${urls.length} urls, 6 names, 5 revisions refused`;
    },
  );

  attack(
    'G61',
    {
      input: 'svn:externals to a file of this machine and to another server, links out of the tree, keywords, names with @ and %',
      expected: 'no external is fetched; links come as links and lead no build out; names come as they are',
    },
    async () => {
      const outside = await place.serve((_, response) => response.end('external'), '127.0.0.2');
      const repository = await aRepository('externals');
      const files = { 'a@2': '1', 'b%2e': '2', passwd: { link: '/etc/passwd' }, up: { link: '../../../etc' }, Keys: '$Id$ $HeadURL$' };
      await repository.commit(files, 'first');
      await writeFile(join(place.folder, 'externals'), `${outside.url}/x there\nfile:///etc passwords\n^/trunk/Keys same\n`);
      await svn(place.svnGround.folder, 'checkout', '-q', `${repository.local}/trunk`, join(place.folder, 'wc'));
      await svn(place.svnGround.folder, 'propset', '-q', 'svn:externals', '-F', join(place.folder, 'externals'), join(place.folder, 'wc'));
      await svn(place.svnGround.folder, 'commit', '-q', '-m', 'properties', join(place.folder, 'wc'));
      const control = place.control({}, 'svn');
      const { heads } = await control.heads(repository.source);
      const at = trunk(heads[0]?.revision ?? '');
      const tree = await readTree(await control.archive(repository.source, at));
      expect([...tree.keys()].sort()).toEqual(['Keys', 'a@2', 'b%2e', 'passwd', 'up']);
      expect(tree.get('passwd')).toBe('link /etc/passwd');
      expect(String(await control.file(repository.source, at, 'a@2'))).toBe('1');
      expect(await control.file(repository.source, at, '../../options/trunk/a').catch(() => undefined)).toBeUndefined();
      expect(outside.asked).toEqual([]);
      const { prepareContext } = await import('@slipway/docker-engine');
      const opened = prepareContext(await control.archive(repository.source, at), {
        maxBytes: 1e6,
        dockerfile: 'passwd',
        spoolFolder: place.folder,
      });
      await expect(opened).rejects.toThrow('points out of the build context');
      return 'three externals, none asked for';
    },
  );

  attack(
    'G62',
    {
      input: 'a server that sends svn on to an address inside; one that answers without end, or HTML, or XML with entities',
      expected: 'what another server says is not taken; a reason each time, within the limits',
    },
    async () => {
      const reasons: string[] = [];
      const control = place.control({ limits: { programBytes: 150_000_000, pollMs: 10_000 } }, 'svn');
      const inside = await place.serve((_, response) => response.end('<html>inside</html>'), '127.0.0.2');
      const entities =
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><D:multistatus xmlns:D="DAV:">&b;</D:multistatus>';
      const answers: Parameters<GitPlace['serve']>[0][] = [
        (request, response) => void response.writeHead(301, { location: `${inside.url}${request.url}` }).end(),
        (_, response) => void response.end('<html>'),
        (_, response) => void response.writeHead(207, { 'content-type': 'text/xml', dav: '1,2', 'svn-youngest-rev': '1' }).end(entities),
        (_, response) => {
          response.writeHead(207, { 'content-type': 'text/xml', dav: '1,2' });
          const more = () => {
            while (!response.destroyed && response.write('<D:x>'.repeat(20_000)));
          };
          response.on('drain', more);
          more();
        },
      ];
      for (const answer of answers) {
        const server = await place.serve(answer);
        reasons.push(await reasonOf(control.heads(source(`${server.url}/x`, { branches: ['trunk'], tags: [] }))));
      }
      expect(reasons).not.toContain('no error');
      return reasons.join(', ');
    },
  );
});
