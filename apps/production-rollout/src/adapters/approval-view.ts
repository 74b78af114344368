import { Injectable } from '@nestjs/common';
import { schemaOf, type Tx } from '@slipway/postgres';
import type { Grant } from '../domain/environment.js';
import { GrantsGoodNow } from '../ports.js';

/** {@link GrantsGoodNow} by the view approval publishes for this service alone (design part 4). */
@Injectable()
export class ApprovalView extends GrantsGoodNow {
  async isGood(tx: Tx, grant: Grant): Promise<boolean> {
    const rows = await tx.query(
      `select 1 from ${schemaOf('approval')}.grants_good_now where grant_id = $1 and request = $2 and asks = $3`,
      [grant.id, grant.request, grant.asks],
    );
    return rows.length > 0;
  }
}
