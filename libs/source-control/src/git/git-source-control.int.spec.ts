import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceControlContract } from '../source-control.contract.js';
import { GitGround } from './git-ground.contract.js';
import { type Served, serveDaemon, serveHttp, serveSsh } from './git-servers.contract.js';
import { GitSourceControl } from './git-source-control.js';

/** One ground, one way to reach it. */
function over(name: string, serve: (repositories: string, secrets: string) => Promise<Served>, source = {}) {
  sourceControlContract(name, async () => {
    const ground = await GitGround.make();
    const secrets = await mkdtemp(join(tmpdir(), 'slipway-secrets-'));
    await mkdir(secrets, { recursive: true });
    const server = await serve(ground.repositories, secrets);
    const repository = await ground.repository('shop', `${server.url}/shop.git`, source);
    const close = async () => {
      await server.close();
      await repository.close();
      await rm(secrets, { recursive: true, force: true });
    };
    return {
      repository: { ...repository, close },
      control: (dataDir) => new GitSourceControl({ dataDir, secretsDir: secrets, fileFolders: [ground.repositories] }),
    };
  });
}

over('git over smart http', (repositories) => serveHttp(repositories));
over('git over the git protocol', (repositories) => serveDaemon(repositories));
over('git from a folder', async (repositories) => ({ url: `file://${repositories}`, close: async () => undefined }));
over('git over ssh', serveSsh, { credentials: 'deploy-key' });
