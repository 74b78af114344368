import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { keyFileIn, loadServiceKey, loadTrustFile, parseTrustFile, type ServiceKey, type TrustFile, trustFileIn } from '@slipway/identity';
import type { Session } from '../session.js';
import { span } from '../showing.js';
import { type Finding, failed, ok, skipped, warning } from './finding.js';

/** How long before a key ends it is spoken of. */
const soonMs = 7 * 24 * 3600_000;

/** Where the installation on this machine keeps its data. */
export function dataFolder({ around }: Session): string {
  return around.env['SLIPWAY_DATA_DIR'] || '.slipway';
}

/** The trust file and the services' keys on this machine: there, right, readable by the right ones only, and belonging together. */
export async function checkKeys(session: Session, dataDir: string): Promise<Finding[]> {
  const file = session.around.env['SLIPWAY_TRUST_FILE'] || trustFileIn(dataDir);
  if (!(await exists(file)) && !(await exists(join(dataDir, 'keys'))))
    return [skipped('trust file', `no installation keeps its keys in ${dataDir}; name it in SLIPWAY_DATA_DIR`)];
  const now = session.around.now();
  const trust = await trustIn(file);
  const findings = 'found' in trust ? [trust.found, ...ending(trust.file, now)] : [trust];
  const keys = await Promise.all(services.map((service) => checkKey(dataDir, service, 'found' in trust ? trust.file : undefined, now)));
  return [...findings, ...keys];
}

async function trustIn(file: string): Promise<Finding | { found: Finding; file: TrustFile }> {
  try {
    await loadTrustFile(file);
    const trust = parseTrustFile(await readFile(file, 'utf8'), file);
    return { found: ok('trust file', `${file}, ${trust.keys.length} keys`), file: trust };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return failed(
      'trust file',
      missing ? `${file} is missing` : (error as Error).message,
      missing ? 'make it: slipway keys init' : 'see the message; restore the file, or make it anew: slipway keys init',
    );
  }
}

async function checkKey(dataDir: string, service: Service, trust: TrustFile | undefined, now: Date): Promise<Finding> {
  const file = keyFileIn(dataDir, service);
  const name = `key of ${service}`;
  let key: ServiceKey;
  try {
    key = await loadServiceKey(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    // On several machines each has the keys of its own services only.
    return missing ? skipped(name, `${file} is not on this machine`) : failed(name, (error as Error).message, 'see the message');
  }
  if (key.service !== service) return failed(name, `${file} holds the key of ${key.service}`, 'put every key into the file of its service');
  const entry = trust?.keys.find(({ keyId }) => keyId === key.keyId);
  if (trust && !entry)
    return failed(
      name,
      `key ${key.keyId} is not in the trust file, so nobody believes ${service}`,
      'add it: slipway keys init, then hand the trust file to every machine',
    );
  if (entry?.notAfter !== undefined && Date.parse(entry.notAfter) < now.getTime())
    return failed(name, `key ${key.keyId} ended at ${entry.notAfter}`, `slipway keys rotate ${service}`);
  if (key.rowSeals !== 'asked')
    return warning(
      name,
      `${file} asks for no seals: ${service} believes what is in its tables, whoever wrote it`,
      `once ${service} has logged "all rows were looked at": slipway keys seals ask ${service}, and restart it (docs/guides/row-seals.md)`,
    );
  return ok(name, `${file}, readable by its owner only`);
}

function ending({ keys }: TrustFile, now: Date): Finding[] {
  const current = keys.filter(
    ({ service, notAfter }) => notAfter !== undefined && !keys.some((other) => other.service === service && other.notAfter === undefined),
  );
  return current.flatMap(({ service, notAfter = '' }) => {
    const left = Date.parse(notAfter) - now.getTime();
    if (left > soonMs) return [];
    return [
      warning(
        'trust file',
        `no key of ${service} is good ${left > 0 ? `in ${span(left / 1000)} any more` : 'any more'}`,
        `slipway keys rotate ${service}`,
      ),
    ];
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
