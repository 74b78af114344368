import { Inject, Injectable } from '@nestjs/common';
import { services } from '@slipway/contracts';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { GatewayConfig } from './gateway.config.js';
import { Journal, Ledger, People } from './ports.js';
import { TellingReleases } from './telling-releases.js';

/** What this version is called. */
export const version = '0.1.0';

interface Warning {
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

/** How the installation is, as far as the gateway can see it: what `slipway doctor` reads. */
@Injectable()
export class DoctorStatus {
  constructor(
    private readonly journal: Journal,
    private readonly people: People,
    private readonly ledger: Ledger,
    private readonly releases: TellingReleases,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
  ) {}

  async status(projects: readonly string[] | null) {
    const [newest, heard, stuck, warnings] = await Promise.all([
      this.journal.newest(),
      this.journal.lastHeard(),
      this.releases.stuck(projects),
      this.warnings(),
    ]);
    return {
      version,
      journal: { events: Number(newest.seq), newest: newest.at?.toISOString() ?? null },
      services: services.map((service) => ({ service, lastHeard: heard.get(service)?.toISOString() ?? null })),
      stuck,
      warnings,
    };
  }

  private async warnings(): Promise<Warning[]> {
    const warnings: Warning[] = [];
    if (this.config.SLIPWAY_EMBEDDED_POSTGRES) {
      warnings.push({
        code: 'embedded-postgres',
        message: 'the database is the embedded one, good for trying Slipway out',
        mend: 'set DATABASE_URL to a Postgres that is backed up',
      });
    }
    if (this.config.SLIPWAY_DB_SINGLE_ROLE) {
      warnings.push({
        code: 'single-database-role',
        message: 'all services share one database role, so that nothing in Postgres keeps them apart',
        mend: 'let DATABASE_URL create roles, or run the SQL that provisioning prints, and unset SLIPWAY_DB_SINGLE_ROLE',
      });
    }
    const administrators = (await this.people.all()).filter(
      (person) => person.active && person.roles.some(({ role, project }) => role === 'administrator' && project === '*'),
    );
    for (const { chain, sequence, reason } of await this.ledger.auditConflicts()) {
      warnings.push({
        code: 'audit-conflict',
        message: `entry ${sequence} of the audit chain of ${chain} does not fit: ${reason}`,
        mend: 'somebody may have rewritten the record: compare it with an export (slipway audit verify) and look into who reached the database of approval',
      });
    }
    if (administrators.length === 1) {
      warnings.push({
        code: 'one-administrator',
        message: `${administrators[0]?.name} is the only administrator`,
        mend: 'make a second person administrator of all projects (*), lest one lost token locks everybody out',
      });
    }
    return warnings;
  }
}
