import { Controller } from '@nestjs/common';
import { routes } from '@slipway/api';
import { Commanding } from '../commanding.js';
import { LedgerTasks } from '../ports.js';
import type { Answered, Asked } from './asked.js';
import { Ask, Serve } from './serve.js';

type R = typeof routes;

/** The ledger itself: folded anew from the journal, or compared with it. */
@Controller()
export class LedgerController {
  constructor(
    private readonly tasks: LedgerTasks,
    private readonly commanding: Commanding,
  ) {}

  @Serve(routes.getLedger)
  async get(): Promise<Answered<R['getLedger']>> {
    const found = await this.tasks.newest();
    if (!found) return { fold: null };
    const { task, command, state, progress, error, askedAt, finishedAt } = found;
    const { step = null, events = 0, of = 0, releases = 0, differing = 0, differences = [], failure = null } = progress ?? {};
    const how = { step, events, of, releases, differing, differences: [...differences], error: failure ?? error };
    return { fold: { task, command, state, ...how, askedAt: askedAt.toISOString(), finishedAt: finishedAt?.toISOString() ?? null } };
  }

  @Serve(routes.rebuildLedger)
  rebuild(@Ask() { body, by }: Asked<R['rebuildLedger']>): Promise<Answered<R['rebuildLedger']>> {
    return this.commanding.command({ action: { kind: 'ledger.rebuild' }, person: by, project: '*', reason: body.reason });
  }

  @Serve(routes.checkLedger)
  check(@Ask() { body, by }: Asked<R['checkLedger']>): Promise<Answered<R['checkLedger']>> {
    return this.commanding.command({ action: { kind: 'ledger.check' }, person: by, project: '*', reason: body.reason });
  }
}
