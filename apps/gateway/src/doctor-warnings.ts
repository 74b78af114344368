import { Inject, Injectable } from '@nestjs/common';
import { RowSeals } from '@slipway/identity';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { sourceMend } from './domain/source-mend.js';
import type { GatewayConfig } from './gateway.config.js';
import { Applied, Ledger, People } from './ports.js';

/** Something to look at, and what to do about it. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly mend: string;
}

/** Dead letters are counted up to this many. */
const mostLetters = 200;

/** What of an installation is not as it should be, as far as the gateway can see: settings, sources, environments, dead letters, the audit chains. */
@Injectable()
export class DoctorWarnings {
  constructor(
    private readonly people: People,
    private readonly ledger: Ledger,
    private readonly applied: Applied,
    private readonly seals: RowSeals,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>,
  ) {}

  /** Of these projects (null: all of them) and of the installation. */
  async all(projects: readonly string[] | null): Promise<Warning[]> {
    const found = [this.sources(projects), this.drift(projects), this.deadLetters(), this.audit(), this.administrators()];
    return [...this.settings(), ...this.rows(), ...(await Promise.all(found)).flat()];
  }

  private settings(): Warning[] {
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
    return warnings;
  }

  private rows(): Warning[] {
    const warnings = [...this.seals.seen.values()].map(({ table, id, message }) => ({
      code: 'row-not-believed',
      message: `a row of the gateway's table ${table} is not what the gateway wrote: ${id}`,
      mend: `${message.split('. ').at(-1)}`,
    }));
    if (!this.seals.asked)
      warnings.push({
        code: 'row-seals-not-asked',
        message:
          'rows without a good seal are believed, as after an upgrade from a version that had none: who writes to a table can decide',
        mend: 'when no process of that version runs any more: restart the services, wait until each has logged "all rows were looked at", then slipway keys seals ask, and restart them again',
      });
    return warnings;
  }

  private async sources(projects: readonly string[] | null): Promise<Warning[]> {
    const [failing, applied] = await Promise.all([this.ledger.failingSources(projects), this.applied.list('project')]);
    return applied.flatMap(({ name }) => {
      const failure = failing.get(name);
      if (!failure) return [];
      const { reason, since } = failure;
      return [
        {
          code: 'source',
          message: `the source of ${name} cannot be read since ${since}: ${reason.message}`,
          mend: sourceMend(reason.code),
        },
      ];
    });
  }

  private async drift(projects: readonly string[] | null): Promise<Warning[]> {
    return (await this.ledger.drifted(projects)).map(({ project, environment, drifted, drift }) => ({
      code: 'drift',
      message: `what runs in ${project} ${environment} is not what was approved, since ${drifted?.at}: ${drift?.value.join('; ') || 'it differs'}`,
      mend: `slipway environment show ${project} ${environment}`,
    }));
  }

  private async deadLetters(): Promise<Warning[]> {
    const letters = await this.ledger.deadLetters({ limit: mostLetters });
    const open = Map.groupBy(
      letters.filter(({ state }) => state === 'open'),
      ({ data }) => data.service,
    );
    return [...open].map(([service, those]) => ({
      code: 'dead-letters',
      message: `${service} could not take ${those.length} record${those.length === 1 ? '' : 's'}`,
      mend: `slipway dead-letters list --service ${service}; replay them once the cause is mended, or discard them`,
    }));
  }

  private async audit(): Promise<Warning[]> {
    return (await this.ledger.auditConflicts()).map(({ chain, sequence, reason }) => ({
      code: 'audit-conflict',
      message: `entry ${sequence} of the audit chain of ${chain} does not fit: ${reason}`,
      mend: 'somebody may have rewritten the record: compare it with an export (slipway audit verify) and look into who reached the database of approval',
    }));
  }

  private async administrators(): Promise<Warning[]> {
    const [only, ...others] = (await this.people.all()).filter(
      (person) => person.active && person.roles.some(({ role, project }) => role === 'administrator' && project === '*'),
    );
    if (!only || others.length > 0) return [];
    return [
      {
        code: 'one-administrator',
        message: `${only.name} is the only administrator`,
        mend: 'make a second person administrator of all projects (*), lest one lost token locks everybody out',
      },
    ];
  }
}
