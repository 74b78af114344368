import { Injectable } from '@nestjs/common';
import { figures, Registry } from '@slipway/service-kit';
import { Gauge } from 'prom-client';
import { Journal, Ledger } from './ports.js';
import { TellingReleases } from './telling-releases.js';

/** What Grafana shows of the gateway: where releases are, which are stuck, and how the journal grows. Read when it is scraped. */
@Injectable()
export class GatewayMetrics {
  constructor(registry: Registry, ledger: Ledger, journal: Journal, telling: TellingReleases) {
    const registers = [registry];
    const phases = figures(() => ledger.countByPhase());
    new Gauge({
      name: 'slipway_releases',
      help: 'Releases by project and state',
      labelNames: ['project', 'state'],
      registers,
      async collect() {
        const rows = await phases();
        if (rows) this.reset();
        for (const { project, phase, count } of rows ?? []) this.set({ project, state: phase }, count);
      },
    });
    const stuck = figures(() => telling.stuck(null), { freshMs: 20_000 });
    new Gauge({
      name: 'slipway_stuck_releases',
      help: 'Releases that should be moving and have not for ten minutes',
      registers,
      async collect() {
        const found = await stuck();
        if (found) this.set(found.length);
      },
    });
    journalGauges(registry, journal);
  }
}

function journalGauges(registry: Registry, journal: Journal): void {
  const registers = [registry];
  const newest = new Gauge({
    name: 'slipway_journal_newest_timestamp_seconds',
    help: 'When the newest event came into the journal',
    registers,
  });
  const bytes = new Gauge({ name: 'slipway_journal_bytes', help: 'What the journal takes in Postgres', registers });
  const state = figures(async () => ({ ...(await journal.newest()), bytes: await journal.bytes() }));
  new Gauge({
    name: 'slipway_journal_events',
    help: 'Events in the journal',
    registers,
    async collect() {
      const now = await state();
      if (!now) return;
      this.set(Number(now.seq));
      if (now.at) newest.set(now.at.getTime() / 1000);
      bytes.set(now.bytes);
    },
  });
}
