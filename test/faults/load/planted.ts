import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Service } from '@slipway/contracts';
import { aCanary } from '../../attack/canary.ts';
import type { Canary } from '../../history/index.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';

type Where = Pick<SuiteOfProcesses, 'dataDir' | 'environment'>;

/** As `credentials` of a source has it. */
export const credentials = 'deploy';
/** As `app.secrets` has it. */
export const appSecret = 'db-password';

/** What an app is given, in test and in production, each its own. */
export async function plantAppSecrets(where: Where, project: string): Promise<Canary[]> {
  const planted: Canary[] = [];
  for (const service of ['test-deployer', 'production-rollout'] as const) {
    const canary = aCanary(`the secret of ${project} at ${service}`);
    await plant(where, service, `${project}/${appSecret}`, canary.value);
    planted.push(canary);
  }
  return planted;
}

/** A login of a source, for who looks for commits and for who takes them out. */
export async function plantLogin(where: Where, project: string, user: string, { value }: Canary): Promise<void> {
  for (const service of ['source-watcher', 'image-builder'] as const)
    await plant(where, service, `${project}/${credentials}`, `${user}:${value}\n`);
}

/** A login of the registry. It asks for none, and is given it with every push all the same. */
export async function plantRegistryLogin(where: Where): Promise<Canary> {
  const canary = aCanary('the password of the registry');
  const auth = Buffer.from(`robot:${canary.value}`).toString('base64');
  const registry = where.environment.of('image-builder')['SLIPWAY_REGISTRY'] ?? '';
  await plant(where, 'image-builder', 'registries.json', JSON.stringify({ auths: { [registry]: { auth } } }));
  return canary;
}

/** Where this service looks for its secrets, and nobody else may look. */
async function plant({ dataDir }: Where, service: Service, path: string, text: string): Promise<void> {
  const file = join(dataDir.path, 'secrets', service, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}
