import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { RegistryAuth } from '@slipway/docker-engine';
import { readSecret, readSecretFile } from '@slipway/identity';
import { OciRegistry, type RegistryCredentials } from '@slipway/registry';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { ImageBuilderConfig } from '../image-builder.config.js';

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string }>;
}

/** A registry and the repository's path in it. */
export interface Place {
  readonly registry: OciRegistry;
  readonly path: string;
  readonly auth: RegistryAuth | undefined;
}

const dockerHub = 'registry-1.docker.io';

/** Splits `registry:5000/team/shop` as Docker does: a first part with a dot or colon, or `localhost`, is a registry. */
export function splitRepository(repository: string): { host: string; path: string } {
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  if (first === 'localhost' || /[.:]/.test(first)) return { host: first, path: repository.slice(slash + 1) };
  return { host: dockerHub, path: slash < 0 ? `library/${repository}` : repository };
}

/** Registries by the names of repositories, with the credentials operators keep for them in one file that only this service reads. */
@Injectable()
export class Registries {
  constructor(@Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof ImageBuilderConfig>) {}

  async of(repository: string): Promise<Place> {
    const { host, path } = splitRepository(repository);
    const credentials = (await this.credentials()).get(host);
    const insecure = this.config.SLIPWAY_INSECURE_REGISTRIES.includes(host) ? { insecure: true } : {};
    const registry = new OciRegistry({ host, ...insecure, ...(credentials ? { credentials } : {}) });
    return { registry, path, auth: credentials && { ...credentials, serverAddress: host } };
  }

  /** What any build may use to pull base images: the registries operators have listed for that, and no other team's. */
  async forBases(): Promise<RegistryAuth[]> {
    const known = await this.credentials();
    return this.config.SLIPWAY_BUILD_BASE_REGISTRIES.flatMap((host) => {
      const found = known.get(host);
      return found ? [{ ...found, serverAddress: host }] : [];
    });
  }

  /** Read each time, so that changed credentials need no restart. */
  private async credentials(): Promise<Map<string, RegistryCredentials>> {
    const named = this.config.SLIPWAY_REGISTRIES_FILE;
    const file = named ?? join(this.config.SLIPWAY_SECRETS_DIR, 'registries.json');
    if (named === undefined) {
      const text = await readSecret(this.config.SLIPWAY_SECRETS_DIR, 'registries.json');
      return text === undefined ? new Map() : readDockerConfig(file, text.toString('utf8'));
    }
    try {
      return readDockerConfig(file, (await readSecretFile(file)).toString('utf8'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw code === undefined ? error : new Error(`${file} (SLIPWAY_REGISTRIES_FILE) cannot be read: ${code}`);
    }
  }
}

/** @throws Error naming the file, never quoting it: the text is the secret. */
function readDockerConfig(file: string, text: string): Map<string, RegistryCredentials> {
  let config: DockerConfig;
  try {
    config = JSON.parse(text) as DockerConfig;
  } catch {
    throw new Error(`${file} is not JSON; it is written as Docker's config.json: {"auths": {"host:port": {"auth": "…"}}}`);
  }
  const found = new Map<string, RegistryCredentials>();
  for (const [name, { auth, username, password }] of Object.entries(config.auths ?? {})) {
    const [, user = '', secret = ''] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(auth ?? '', 'base64').toString()) ?? [];
    const host = name.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    found.set(host === 'index.docker.io' || host === 'docker.io' ? dockerHub : host, {
      username: username ?? user,
      password: password ?? secret,
    });
  }
  return found;
}
