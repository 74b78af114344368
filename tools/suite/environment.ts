import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { initKeys, keyFileIn, secretFolderOf } from '@slipway/identity';
import { MayNotProvision, provision } from '@slipway/postgres';
import { defaultPort } from '@slipway/service-kit';
import type { DataDir } from '../parts/data-dir.ts';
import type { Parts } from '../parts/index.ts';
import { freePortLike, freePorts } from '../parts/ports.ts';
import { memorySettings } from './memory.ts';

/** What each service is started with. */
export interface SuiteEnvironment {
  /** `replica` counts from 1. */
  of(service: Service, replica?: number): Record<string, string>;
  /** How many processes each service is to have. */
  readonly replicas: number;
  /** Of the first replicas. */
  readonly ports: Readonly<Record<Service, number>>;
  urlOf(service: Service, replica: number): string;
  readonly gatewayUrl: string;
  readonly trustFile: string;
}

/** What a service needs of the environment we were started in: nothing that holds the administrator's database password. */
const passedOn =
  /^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|(https?|no|all)_proxy|KAFKA_.*|SLIPWAY_.*)$/i;

/**
 * Makes what the services need before they start, keeping what is there: a key for each and the trust file, a database role and schema for each,
 * a port for each. `settings` are further variables, for all or by service.
 */
export async function prepareEnvironment(dataDir: DataDir, parts: Parts, settings: Settings = {}): Promise<SuiteEnvironment> {
  const keys = await initKeys({ dir: dataDir.path, services });
  const singleRole = settings.singleRole ?? process.env['SLIPWAY_DB_SINGLE_ROLE'] === '1';
  const databases = await databasesOf(dataDir, parts.postgres.url, singleRole);
  const { replicas = 1 } = settings;
  const portsOfReplicas = await portsOf(dataDir, replicas);
  const ports = portsOfReplicas[0] as Record<Service, number>;
  const urlOf = (service: Service, replica: number): string => `http://127.0.0.1:${portsOfReplicas[replica - 1]?.[service]}`;
  const gatewayUrl = urlOf('gateway', 1);
  await secretFolders(inherited()['SLIPWAY_SECRETS_DIR'] ?? join(dataDir.path, 'secrets'));
  const common = {
    NODE_ENV: 'production',
    ...memorySettings,
    SLIPWAY_PUBLIC_URL: gatewayUrl,
    ...inherited(),
    KAFKA_BROKERS: parts.kafka.url,
    DOCKER_HOST: parts.docker.url,
    SLIPWAY_REGISTRY: parts.registry.url,
    SLIPWAY_DATA_DIR: dataDir.path,
    SLIPWAY_TRUST_FILE: keys.trustFile,
    ...settings.all,
  };
  const forGateway = (replica: number) => ({
    SLIPWAY_SOURCE_WATCHER_URL: urlOf('source-watcher', replica),
    SLIPWAY_EMBEDDED_POSTGRES: parts.postgres.ours ? '1' : '0',
    SLIPWAY_DB_SINGLE_ROLE: singleRole ? '1' : '0',
  });
  const of = (service: Service, replica = 1): Record<string, string> => {
    const usual = {
      ...common,
      ...(service === 'gateway' ? forGateway(replica) : {}),
      DATABASE_URL: databases[service] ?? '',
      SLIPWAY_KEY_FILE: keyFileIn(dataDir.path, service),
      PORT: String(portsOfReplicas[replica - 1]?.[service]),
      ...settings.of?.[service],
    };
    return { ...usual, ...settings.ofReplica?.(service, replica, usual) };
  };
  return { of, replicas, ports, urlOf, gatewayUrl, trustFile: keys.trustFile };
}

/** A folder for the secrets of each service that may only be entered by us; what is there stays as it is, and is refused where others can reach it. */
async function secretFolders(secretsDir: string): Promise<void> {
  for (const service of services) await mkdir(secretFolderOf(secretsDir, service), { recursive: true, mode: 0o700 });
}

/** The variables we were started with that a service may have. */
function inherited(): Record<string, string> {
  const allowed = Object.entries(process.env).filter(([name, value]) => passedOn.test(name) && value !== undefined);
  return Object.fromEntries(allowed) as Record<string, string>;
}

/** Variables beside the usual ones. */
export interface Settings {
  all?: Record<string, string>;
  of?: Partial<Record<Service, Record<string, string>>>;
  /** Over what a replica would have otherwise. */
  ofReplica?: (service: Service, replica: number, usual: Readonly<Record<string, string>>) => Record<string, string>;
  /** Processes a service; 1 by default. */
  replicas?: number;
  /** True: no roles are made in Postgres, every service connects as the administrator. */
  singleRole?: boolean;
}

async function databasesOf(dataDir: DataDir, adminUrl: string, singleRole: boolean): Promise<Record<string, string>> {
  const file = join(dataDir.path, 'database-passwords.json');
  const known = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Record<string, string>;
  const keep = (passwords: Record<string, string>): Promise<void> => writeFile(file, JSON.stringify(passwords, null, 2), { mode: 0o600 });
  try {
    const made = await provision({ adminUrl, services, passwords: known, singleRole });
    await keep(made.passwords);
    return made.urls;
  } catch (error) {
    // The SQL it tells holds verifiers of these very passwords.
    if (error instanceof MayNotProvision) await keep(error.passwords);
    throw error;
  }
}

/**
 * By replica: the usual ports, or those of the last time; for further replicas, and for a run that leaves nothing behind, any that are free, so that
 * several can run beside each other.
 */
async function portsOf(dataDir: DataDir, replicas: number): Promise<Record<Service, number>[]> {
  const free = await freePorts(services.length * replicas);
  const all: Record<Service, number>[] = [];
  for (let replica = 1; replica <= replicas; replica += 1) {
    const ports = {} as Record<Service, number>;
    for (const service of services) {
      const name = replica === 1 ? `port-${service}` : `port-${service}-${replica}`;
      const known = Number(await dataDir.remembered(name)) || undefined;
      const other = free.pop() as number;
      const wished = replica === 1 ? [known, defaultPort(service)] : [known, other];
      ports[service] = dataDir.temporary ? other : await freePortLike(...wished);
      await dataDir.remember(name, String(ports[service]));
    }
    all.push(ports);
  }
  return all;
}
