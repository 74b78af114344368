import { Injectable } from '@nestjs/common';
import { schemaOf, type Tx } from '@slipway/postgres';
import type { Grant } from '../domain/environment.js';
import { GrantsGoodNow } from '../ports.js';

/** {@link GrantsGoodNow} by the view approval publishes for this service alone (design part 4). */
@Injectable()
export class ApprovalView extends GrantsGoodNow {
  /** One question, so that both answers are of one moment. An approval of before it told what it has heard has no such column. */
  async look(tx: Tx, grant: Grant, since: string | null): Promise<'good' | 'unheard' | 'not good'> {
    const [row] = await tx.query<{ heard: boolean }>(
      `select coalesce((to_jsonb(good) ->> 'heard_to')::timestamptz >= $4::timestamptz, true) as heard
       from ${schemaOf('approval')}.grants_good_now good where grant_id = $1 and request = $2 and asks = $3`,
      [grant.id, grant.request, grant.asks, since],
    );
    if (!row) return 'not good';
    return row.heard ? 'good' : 'unheard';
  }
}
