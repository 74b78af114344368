import { createHash } from 'node:crypto';
import { type GrantStatement, inBytes } from '@slipway/contracts';
import { canonicalJson } from '@slipway/identity';
import type { Effect } from './effects.ts';
import type { Container } from './history.ts';
import type { Findings } from './tell.ts';

type Deployment = GrantStatement['deployment'];

/** In what a container was made otherwise than was let in, in words. */
export function madeOtherwise(effect: Effect, deployment: Deployment, findings: Findings): string[] {
  const { image, digest, namespace, role, found } = effect;
  const wanted = `${deployment.image.repository}@${deployment.image.digest}`;
  const wrong: string[] = [];
  if (image !== wanted) wrong.push(`from ${image}, and ${wanted} was let in`);
  if (digest !== deployment.image.digest) wrong.push(`labelled ${digest}, and ${deployment.image.digest} was let in`);
  if (namespace !== deployment.target.namespace) wrong.push(`in namespace ${namespace}, and ${deployment.target.namespace} was let in`);
  if (!found || role !== 'instance') return wrong;
  findings.count('containers held against what was let in');
  return [...wrong, ...settings(found, deployment), ...host(found, deployment, findings)];
}

/** What an instance is told. */
function settings(found: Container, { app }: Deployment): string[] {
  const wrong: string[] = [];
  // Docker sets PATH where an image sets none.
  const env = Object.fromEntries(
    Object.entries(found.env).filter(([name, value]) => name !== 'PATH' && (name in app.env || found.imageEnv[name] !== value)),
  );
  const { PATH: _, ...asked } = app.env;
  if (canonicalJson(env) !== canonicalJson(asked))
    wrong.push(`with variables ${Object.keys(env).join(', ') || 'none'} that are not those let in`);
  if (found.labels['dev.slipway.app-port'] !== String(app.port))
    wrong.push(`at port ${found.labels['dev.slipway.app-port']}, and ${app.port} was let in`);
  return wrong;
}

/** What an instance is given of its host: memory, processors, and the one folder of its secrets, named for their versions, below that of its target. */
function host({ host: given }: Container, { app, target }: Deployment, findings: Findings): string[] {
  if (given === undefined) {
    findings.cannot('nobody kept what memory, processors and folders containers had');
    return [];
  }
  const wrong: string[] = [];
  if (given.memoryBytes !== inBytes(app.memory)) wrong.push(`with ${given.memoryBytes} bytes of memory, and ${app.memory} were let in`);
  if (given.nanoCpus !== Math.round(app.cpus * 1e9)) wrong.push(`with ${given.nanoCpus / 1e9} processors, and ${app.cpus} were let in`);
  const folders = given.mounts.map(({ source, target: inside, readOnly }) => `${source} at ${inside}${readOnly ? '' : ', writable'}`);
  const [secrets, ...others] = given.mounts;
  const isRight =
    app.secrets.length === 0
      ? secrets === undefined
      : others.length === 0 &&
        secrets?.readOnly === true &&
        secrets.target === '/run/secrets' &&
        new RegExp(`/targets/${target.name}(@[0-9a-f]+)?/`).test(secrets.source) &&
        secrets.source.endsWith(`/secrets/${versionsOf(app.secrets)}`);
  if (!isRight) {
    const let_in = app.secrets.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none';
    wrong.push(`with folders ${folders.join(', ') || 'none'}, and secrets at ${target.name} were let in as ${let_in}`);
  }
  return wrong;
}

/** What the folder of these secrets is named for. */
export function versionsOf(secrets: Deployment['app']['secrets']): string {
  const pairs = secrets.map(({ name, version }) => [name, version]).toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 16);
}
