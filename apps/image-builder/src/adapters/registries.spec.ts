import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Registries, splitRepository } from './registries.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registries-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const registries = (settings: object = {}): Registries =>
  new Registries({ SLIPWAY_SECRETS_DIR: folder, SLIPWAY_INSECURE_REGISTRIES: [], SLIPWAY_BUILD_BASE_REGISTRIES: [], ...settings } as never);
const auth = Buffer.from('robot:pass:word').toString('base64');

describe('the registries of builds', () => {
  it.each([
    ['localhost:5000/shop', 'localhost:5000', 'shop'],
    ['localhost/shop', 'localhost', 'shop'],
    ['registry.example/team/shop', 'registry.example', 'team/shop'],
    ['team/shop', 'registry-1.docker.io', 'team/shop'],
    ['shop', 'registry-1.docker.io', 'library/shop'],
  ])('%s lies at %s as %s', (repository, host, path) => {
    expect(splitRepository(repository)).toEqual({ host, path });
  });

  it('need no credentials, and take them from the file operators keep', async () => {
    expect((await registries().of('registry.example/shop')).auth).toBeUndefined();
    await writeFile(
      join(folder, 'registries.json'),
      JSON.stringify({ auths: { 'https://registry.example/v2/': { auth }, other: { username: 'a', password: 'b' } } }),
      { mode: 0o600 },
    );
    expect((await registries().of('registry.example/shop')).auth).toEqual({
      username: 'robot',
      password: 'pass:word',
      serverAddress: 'registry.example',
    });
    expect((await registries().of('elsewhere.example/shop')).auth).toBeUndefined();
  });

  it('give a build only the credentials that operators listed for base images', async () => {
    await writeFile(
      join(folder, 'registries.json'),
      JSON.stringify({ auths: { 'bases.example': { auth }, 'private.example': { auth } } }),
      { mode: 0o600 },
    );
    expect(await registries().forBases()).toEqual([]);
    const listed = registries({ SLIPWAY_BUILD_BASE_REGISTRIES: ['bases.example', 'unknown.example'] });
    expect(await listed.forBases()).toEqual([{ username: 'robot', password: 'pass:word', serverAddress: 'bases.example' }]);
  });

  it('say which file is wrong without a word of what is in it', async () => {
    await writeFile(join(folder, 'registries.json'), '{"auths": secret', { mode: 0o600 });
    const problem = String(
      await registries()
        .of('registry.example/shop')
        .catch((error: unknown) => error),
    );
    expect(problem).toContain(join(folder, 'registries.json'));
    expect(problem).not.toContain('secret');
    await expect(registries({ SLIPWAY_REGISTRIES_FILE: join(folder, 'nowhere') }).of('a.example/b')).rejects.toThrow(
      'SLIPWAY_REGISTRIES_FILE',
    );
  });

  it('are not spoken to with credentials that others on the machine can read', async () => {
    const file = join(folder, 'registries.json');
    await writeFile(file, JSON.stringify({ auths: { 'registry.example': { auth } } }), { mode: 0o600 });
    await chmod(file, 0o644);
    await expect(registries().of('registry.example/shop')).rejects.toThrow(`chmod 600 ${file}`);
    await expect(registries({ SLIPWAY_REGISTRIES_FILE: file }).of('registry.example/shop')).rejects.toThrow(`chmod 600 ${file}`);
    await chmod(file, 0o600);
  });
});
