import { randomUUID } from 'node:crypto';
import type { Handler, Received } from './received.js';
import { hearing, Ordered, Posted, Served, type TestService, Told, TwoServices } from './two-services.contract.js';

/** Two services at work: source-watcher orders, image-builder serves, and hears what is told and posted besides. */
export interface Orders {
  readonly scene: TwoServices;
  readonly watcher: TestService;
  readonly builder: TestService;
  /** What the watcher heard. */
  readonly served: Received[];
  /** What the builder handled, in transactions that committed. */
  readonly handled: Received[];
  /** What the builder does with an order of this name; by default it serves it. */
  readonly orders: Map<string, Handler<typeof Ordered>['handle']>;
  /** Gives the id of the event. */
  order(what: string, subject?: string): Promise<string>;
  /** How often the builder handled the event of this id. */
  times(id: string): number;
  /** What the watcher is owed for it. */
  handoffs(id: string): Promise<Record<string, unknown>[]>;
}

/** What is done with an order. */
export const serve: Handler<typeof Ordered>['handle'] = async (event, unit) => {
  unit.publish(Served, { subject: event.subject, data: { what: event.data.what } });
};

/** Sets them up and starts them. The scene is the caller's to demolish. */
export async function takingOrders(): Promise<Orders> {
  const scene = await TwoServices.build();
  const watcher = await scene.replica('source-watcher');
  const builder = await scene.replica('image-builder');
  const served: Received[] = [];
  const handled: Received[] = [];
  const orders: Orders['orders'] = new Map();
  const onOrdered: Handler<typeof Ordered> = {
    async handle(event, unit) {
      await (orders.get(event.data.what) ?? serve)(event, unit);
      unit.tx.afterCommit(() => handled.push(event));
    },
  };
  const heard = hearing(handled, Told, Posted);
  await Promise.all([
    watcher.messaging.start(hearing(served, Served)),
    builder.messaging.start(new Map([[Ordered, onOrdered as Handler], ...heard])),
  ]);
  return {
    scene,
    watcher,
    builder,
    served,
    handled,
    orders,
    order: (what, subject = randomUUID()) =>
      watcher.messaging.transact(async (unit) => unit.publish(Ordered, { subject, correlationId: 'rel', data: { what } })),
    times: (id) => handled.filter((event) => event.id === id).length,
    handoffs: (id) => scene.rows('source-watcher', 'select * from $schema.handoff where event_id = $1', [id]),
  };
}
