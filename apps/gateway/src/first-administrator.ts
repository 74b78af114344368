import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { hashToken, newOneTimeLink } from '@slipway/identity';
import { Database, type Tx } from '@slipway/postgres';
import { type ConfigOf, LOGGER, type Logger, SERVICE_CONFIG } from '@slipway/service-kit';
import type { GatewayConfig } from './gateway.config.js';
import { Credentials, People } from './ports.js';

const lifeMs = 24 * 3_600_000;
/** A link this young was just printed by another replica. */
const youngMs = 30_000;

/** Lets the first person in: while there is nobody, a start prints a one-time administrator link. There is no default password. */
@Injectable()
export class FirstAdministrator {
  private readonly file: string;

  constructor(
    private readonly database: Database,
    private readonly people: People,
    private readonly credentials: Credentials,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.file = join(config.SLIPWAY_DATA_DIR, 'administrator-link');
  }

  /** Makes and prints the link, or prints again the one that is still good; does nothing once somebody is there. */
  async invite(): Promise<void> {
    const link = await this.database.transaction((tx) => this.linkFor(tx));
    if (!link) return;
    const { SLIPWAY_PUBLIC_URL: url, PORT: port } = this.config;
    const address = `${(url ?? `http://127.0.0.1:${port || 8080}`).replace(/\/$/, '')}/#code=${link}`;
    const fresh = `${this.file}.${process.pid}.new`;
    await rm(fresh, { force: true });
    await writeFile(fresh, `${address}\n`, { mode: 0o600, flag: 'wx' });
    await rename(fresh, this.file);
    this.logger.warn(`nobody is here yet; whoever opens this link first becomes the administrator, once and within a day: ${address}`);
  }

  private async linkFor(tx: Tx): Promise<string | undefined> {
    if (await this.people.anybody(tx)) {
      await rm(this.file, { force: true });
      return undefined;
    }
    const open = await this.credentials.administratorLinks(tx);
    const kept = /#code=(\S+)/.exec(await readFile(this.file, 'utf8').catch(() => ''))?.[1];
    if (kept && open.some(({ hash }) => hash === hashToken(kept))) return kept;
    const now = await tx.now();
    if (open.some(({ createdAt }) => now.getTime() - createdAt.getTime() < youngMs)) return undefined;
    const { secret, hash, expiresAt } = newOneTimeLink(now, lifeMs);
    await this.credentials.addLink(tx, { hash, person: null, expiresAt });
    return secret;
  }
}
