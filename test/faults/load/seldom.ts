import type { LoadLog } from '../../history/load-log.ts';
import type { Chance } from '../fault.js';
import type { Shop } from './shops.ts';

/** What developers and administrators do now and then: they push to a second branch, and change a project while releases of it wait. */
export class Seldom {
  constructor(
    private readonly shops: readonly Shop[],
    private readonly log: LoadLog,
    private readonly chance: Chance,
  ) {}

  async once(): Promise<void> {
    const shop = this.chance.one(this.shops.filter(({ branch }) => branch !== undefined));
    if (this.chance.whole(1, 2) === 1) return await shop.change?.();
    const asked = new Date().toISOString();
    const pushed = await shop.branch?.();
    if (pushed !== undefined) this.log.pushed({ asked, project: shop.name, turn: 'good', ...pushed });
  }
}
