import type { HealthCheck } from '../deployment.js';
import type { EnvironmentFiles } from './environment-files.js';
import type { Fact } from './facts.js';
import { label } from './labels.js';
import { ProxyAdmin } from './proxy-admin.js';
import { type Member, type ProxyPlan, renderConfig } from './proxy-config.js';

/**
 * Who gets requests. The file is written before the running proxy is told, so that a proxy that restarts in between, without us,
 * has every instance that serves; an instance that is no longer there costs it one failed check.
 */
export class Traffic {
  readonly #admin: ProxyAdmin;
  readonly #files: EnvironmentFiles;
  readonly #app: { readonly health?: HealthCheck | undefined };

  constructor(files: EnvironmentFiles, app: { readonly health?: HealthCheck | undefined }) {
    this.#admin = new ProxyAdmin(files.socket);
    this.#files = files;
    this.#app = app;
  }

  /** Writes the proxy's file for these members. */
  async write(members: readonly Member[]): Promise<void> {
    await this.#files.writeConfig(renderConfig(this.#plan(members)));
  }

  /** Makes the running proxy hold exactly these members, those that are healthy at once in service. True when it had to change. Throws `ProxyAway`. */
  async sync(facts: readonly Fact[], members: readonly Member[]): Promise<boolean> {
    let changed = false;
    await this.write(members);
    const servers = await this.#admin.servers();
    for (const member of members) if (!member.checked) await this.#admin.unchecked(member.name);
    if (this.#app.health !== undefined) await this.#admin.healthPath(this.#app.health.http);
    for (const server of servers) {
      const member = members.find((one) => one.name === server.name);
      if (member === undefined || server.address !== `${member.address}:${member.port}`) {
        await this.#admin.leave(server.name);
        changed = true;
      } else if (member.checked && server.check === '') {
        // Another health path came, and went again before this one did.
        await this.#admin.checked(server.name);
      }
    }
    const known = new Set(servers.map((server) => `${server.name} ${server.address}`));
    for (const member of members) {
      const healthy = facts.some((fact) => fact.info.name === member.name && fact.record.healthySince !== undefined);
      if (!known.has(`${member.name} ${member.address}:${member.port}`) && healthy) {
        await this.#admin.join(member, this.#plan([]));
        changed = true;
      }
    }
    return changed;
  }

  /** Brings one back from draining. */
  async ready(name: string): Promise<void> {
    await this.#admin.ready(name);
  }

  async drain(name: string): Promise<void> {
    await this.#admin.drain(name);
  }

  /** False while it still holds connections. */
  async leave(name: string): Promise<boolean> {
    return await this.#admin.leave(name);
  }

  #plan(members: readonly Member[]): ProxyPlan {
    const { health } = this.#app;
    return { healthPath: health?.http, healthTimeoutMs: health?.timeoutMs ?? 1000, healthEveryMs: health?.everyMs ?? 2000, members };
  }
}

/** A container as the proxy knows it, by what it was made for: another release may have another port or health path. */
export function memberOf(
  info: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  health: HealthCheck | undefined,
): Member {
  const { labels } = info;
  return {
    name: info.name,
    address: labels[label.address] ?? '',
    port: Number(labels[label.appPort]),
    checked: (labels[label.health] ?? '') === (health?.http ?? ''),
  };
}
