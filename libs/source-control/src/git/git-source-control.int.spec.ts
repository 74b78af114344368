import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceControlContract, type TestRepository } from '../source-control.contract.js';
import { GitGround } from './git-ground.contract.js';
import { aCertificate, type Served, serveDaemon, serveHttp, serveSsh } from './git-servers.contract.js';
import { GitSourceControl } from './git-source-control.js';

/** One ground, one way to reach it. */
function over(name: string, serve: (repositories: string, secrets: string) => Promise<Served & { caFile?: string }>, source = {}) {
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
      control: (dataDir) =>
        new GitSourceControl({ dataDir, secretsDir: secrets, fileFolders: [ground.repositories], caFile: server.caFile }),
    };
  });
}

over('git over smart http', (repositories) => serveHttp(repositories));
over('git over https, by an authority of our own', serveHttps);
over('git over the git protocol', (repositories) => serveDaemon(repositories));
over('git from a folder', async (repositories) => ({ url: `file://${repositories}`, close: async () => undefined }));
over('git over ssh', serveSsh, { credentials: 'deploy-key' });

async function serveHttps(repositories: string, folder: string): Promise<Served & { caFile: string }> {
  const certificate = await aCertificate(folder, 'server');
  return { ...(await serveHttp(repositories, undefined, undefined, certificate)), caFile: certificate.file };
}

describe('git over https', () => {
  let folder: string;
  let server: Served;
  let repository: TestRepository;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-https-'));
    const ground = await GitGround.make();
    server = await serveHttps(ground.repositories, folder);
    repository = await ground.repository('shop', `${server.url}/shop.git`);
    await repository.commit({ a: '1' }, 'first');
  });
  afterAll(async () => {
    await server.close();
    await repository.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['another authority', async () => (await aCertificate(folder, 'other')).file],
    ['no authority but those of the machine', async () => undefined],
  ])('refuses a server by %s, and says what is wrong with it', async (_, caFile) => {
    const control = new GitSourceControl({ dataDir: join(folder, 'data'), secretsDir: folder, caFile: await caFile() });
    await expect(control.heads(repository.source)).rejects.toMatchObject({
      reason: 'certificate',
      message: expect.stringContaining("the server's TLS certificate is not trusted"),
    });
  });
});
