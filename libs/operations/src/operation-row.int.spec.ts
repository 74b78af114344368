import type { Database } from '@slipway/postgres';
import { anId } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimDue, renew, settle } from './claims.js';
import { claimed, isHeld, owed, type Row, renewed, settled } from './operation-row.fixture.js';
import { db, withOperations } from './worker.fixture.js';

withOperations();

/** So long that no lease ends by itself meanwhile. */
const leaseMs = 3_600_000;
const anyStep = fc.record({
  do: fc.constantFrom('claim', 'claim', 'renew', 'write', 'end', 'hand over', 'time runs out', 'time runs out'),
  epoch: fc.integer({ min: 1, max: 4 }),
});

/** One step at the real row; answers what the claim that took it was told. */
async function taken(on: Database, id: string, { do: what, epoch }: { do: string; epoch: number }): Promise<unknown> {
  switch (what) {
    case 'claim': {
      const [row] = await claimDue(on, { kind: id, limit: 1, owner: '00000000-0000-4000-8000-000000000000', leaseMs, callTimeoutMs: 1 });
      return row && { epoch: row.epoch, takeover: row.takeover };
    }
    case 'renew': {
      const [renewal] = await renew(on, [{ id, epoch }], 4000);
      return { renewed: renewal?.renewed, held: renewal?.held };
    }
    case 'write':
      return (await on.query("select 1 from operation where id = $1 and epoch = $2 and state = 'running'", [id, epoch])).length > 0;
    case 'end':
    case 'hand over':
      return settle(on, { id, epoch }, { end: what === 'end' ? 'done' : 'handed-over' });
    default:
      return void (await on.query('update operation set due_at = least(due_at, now()) where id = $1', [id]));
  }
}

/** The same step at the row of the models. */
function modelled(row: Row, { do: what, epoch }: { do: string; epoch: number }): readonly [Row, unknown] {
  switch (what) {
    case 'claim': {
      const claim = claimed(row, 1);
      return [claim?.row ?? row, claim && { epoch: claim.row.epoch, takeover: claim.takeover }];
    }
    case 'renew': {
      const longer = renewed(row, epoch, 1);
      return [longer ?? row, { renewed: longer !== undefined, held: longer !== undefined }];
    }
    case 'write':
      return [row, isHeld(row, epoch)];
    case 'end':
    case 'hand over': {
      const ended = settled(row, epoch, what === 'end' ? 'done' : 'ready');
      return [ended ?? row, ended !== undefined];
    }
    default:
      return [{ ...row, dueIn: 0 }, undefined];
  }
}

describe('the row of the models', () => {
  it('goes through what the real one goes through, whatever is done to it', async () => {
    let claims = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 8, maxLength: 16 }), async (steps) => {
        const id = anId();
        const sql = "insert into operation (id, kind, key, input, due_at, first_due_at) values ($1, $2, 'x', '1', now(), now())";
        await db.query(sql, [id, id]);
        let row = owed;
        for (const step of steps) {
          const [next, told] = modelled(row, step);
          expect(await taken(db, id, step)).toEqual(told);
          row = next;
          if (step.do === 'claim' && told) claims++;
        }
        const [real] = await db.query("select state, epoch, due_at > now() or state = 'done' as later from operation where id = $1", [id]);
        expect(real).toEqual({ state: row.state, epoch: row.epoch, later: row.dueIn > 0 || row.state === 'done' });
      }),
      { numRuns: 40 },
    );
    expect(claims).toBeGreaterThan(20);
  });
});
