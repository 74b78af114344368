import type { Served } from '../git/git-servers.contract.js';
import { sourceControlContract } from '../source-control.contract.js';
import { SvnGround, serveSvn } from './svn-servers.contract.js';
import { SvnSourceControl } from './svn-source-control.js';

function over(name: string, serve: (repositories: string) => Promise<Served>) {
  sourceControlContract(name, async () => {
    const ground = await SvnGround.make();
    const server = await serve(ground.repositories);
    const repository = await ground.repository('shop', `${server.url}/shop`);
    const close = async () => {
      await server.close();
      await repository.close();
    };
    return {
      repository: { ...repository, close },
      control: (dataDir) => new SvnSourceControl({ dataDir, fileFolders: [ground.repositories] }),
    };
  });
}

over('svn over svnserve', serveSvn);
over('svn from a folder', async (repositories) => ({ url: `file://${repositories}`, close: async () => undefined }));
