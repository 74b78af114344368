import type { LoadLog } from '../../history/load-log.ts';
import type { Chance } from '../fault.js';
import { type Delivery, send } from './forge.ts';
import type { Shop } from './shops.ts';

interface Sent {
  readonly shop: Shop;
  readonly revision: string;
  readonly delivery: Delivery;
}

/** So many are remembered, to be sent again. */
const mostRemembered = 40;

/** Tells gateways of pushes as forges do: some twice at once, some again later by the same id or a new one, and again what nobody took. */
export class Telling {
  private readonly sent: Sent[] = [];
  private untaken: Sent[] = [];
  private again = 0;

  constructor(
    private readonly log: LoadLog,
    private readonly chance: Chance,
    private readonly gateways: () => readonly string[],
  ) {}

  async tell(shop: Shop, revision: string): Promise<void> {
    const delivery = shop.delivery?.(revision);
    if (delivery === undefined) return;
    const one = { shop, revision, delivery };
    this.sent.push(one);
    if (this.sent.length > mostRemembered) this.sent.shift();
    const copies = this.chance.whole(1, 3) === 1 ? 2 : 1;
    const statuses = await Promise.all(Array.from({ length: copies }, () => this.send(one)));
    if (statuses.every((status) => !isTaken(status))) this.untaken.push(one);
  }

  /** What nobody took; and now and then something that was taken long ago. */
  async tellAgain(): Promise<void> {
    const waiting = this.untaken;
    this.untaken = [];
    for (const one of waiting) if (!isTaken(await this.send(one))) this.untaken.push(one);
    const lot = this.chance.whole(1, 4);
    if (lot > 2 || this.sent.length === 0) return;
    const old = this.chance.one(this.sent);
    this.again += 1;
    const delivery = lot === 1 ? old.delivery : (old.shop.delivery?.(old.revision, `${old.revision}-again-${this.again}`) ?? old.delivery);
    await this.send({ ...old, delivery });
  }

  private async send({ shop, revision, delivery }: Sent): Promise<number> {
    const asked = new Date().toISOString();
    const status = await send(this.chance.one(this.gateways()), delivery);
    this.log.delivered({ asked, project: shop.name, delivery: delivery.id, ref: shop.ref, revision, status });
    return status;
  }
}

function isTaken(status: number): boolean {
  return status >= 200 && status < 300;
}
