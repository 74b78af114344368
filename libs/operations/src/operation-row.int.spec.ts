import type { Database } from '@slipway/postgres';
import { anId } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arming, arm, claimDue, renew, settle } from './claims.js';
import { armed, claimed, isHeld, owed, type Row, renewed, settled } from './operation-row.fixture.js';
import { db, withOperations } from './worker.fixture.js';

withOperations();

/** So long that no lease and no call ends by itself meanwhile. */
const longMs = 3_600_000;
const anyStep = fc.record({
  do: fc.constantFrom(
    'claim',
    'claim',
    'renew',
    'write',
    'arm',
    'arm',
    'end',
    'hand over',
    'time runs out',
    'time runs out',
    'calls arrive',
  ),
  epoch: fc.integer({ min: 1, max: 4 }),
  /** Which arming was answered, the last one at 0. */
  answered: fc.integer({ min: 0, max: 3 }),
});

interface Step {
  readonly do: string;
  readonly epoch: number;
  readonly answered: Arming | null;
}

/** One step at the real row; answers what the claim that took it was told. */
async function taken(on: Database, id: string, { do: what, epoch, answered }: Step, armings: Arming[]): Promise<unknown> {
  switch (what) {
    case 'claim': {
      const [row] = await claimDue(on, { kind: id, limit: 1, owner: '00000000-0000-4000-8000-000000000000', leaseMs: longMs });
      return row?.epoch;
    }
    case 'renew': {
      const [renewal] = await renew(on, [{ id, epoch, answered }], 4000);
      return { renewed: renewal?.renewed, held: renewal?.held };
    }
    case 'write':
      return (await on.query("select 1 from operation where id = $1 and epoch = $2 and state = 'running'", [id, epoch])).length > 0;
    case 'arm': {
      const given = await arm(on, { id, epoch }, longMs);
      if (given) armings.push(given.arming);
      return given !== undefined;
    }
    case 'end':
    case 'hand over':
      return settle(on, { id, epoch, answered }, { end: what === 'end' ? 'done' : 'handed-over' });
    case 'calls arrive':
      return void (await on.query('update operation set armed_until = least(armed_until, now()) where id = $1', [id]));
    default:
      return void (await on.query('update operation set due_at = least(due_at, now()) where id = $1', [id]));
  }
}

/** The same step at the row of the models. */
function modelled(row: Row, { do: what, epoch }: { do: string; epoch: number }, answered: number): readonly [Row, unknown] {
  switch (what) {
    case 'claim': {
      const claim = claimed(row, 1);
      return [claim ?? row, claim?.epoch];
    }
    case 'renew': {
      const longer = renewed(row, epoch, 1, answered);
      return [longer ?? row, { renewed: longer !== undefined, held: longer !== undefined }];
    }
    case 'write':
      return [row, isHeld(row, epoch)];
    case 'arm': {
      const after = armed(row, epoch, 1);
      return [after ?? row, after !== undefined];
    }
    case 'end':
    case 'hand over': {
      const ended = settled(row, epoch, what === 'end' ? 'done' : 'ready', answered);
      return [ended ?? row, ended !== undefined];
    }
    case 'calls arrive':
      return [{ ...row, armedIn: 0 }, undefined];
    default:
      return [{ ...row, dueIn: 0 }, undefined];
  }
}

describe('the row of the models', () => {
  it('goes through what the real one goes through, whatever is done to it', async () => {
    const happened = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 8, maxLength: 16 }), async (steps) => {
        const id = anId();
        const sql = "insert into operation (id, kind, key, input, due_at, first_due_at) values ($1, $2, 'x', '1', now(), now())";
        await db.query(sql, [id, id]);
        let row = owed;
        const armings: Arming[] = [];
        for (const step of steps) {
          const answered = Math.max(0, armings.length - step.answered);
          const [next, told] = modelled(row, step, answered);
          expect(await taken(db, id, { ...step, answered: armings[answered - 1] ?? null }, armings)).toEqual(told);
          if (told || next.armedIn < row.armedIn) happened.set(step.do, (happened.get(step.do) ?? 0) + 1);
          row = next;
        }
        const [real] = await db.query(
          `select state, epoch, due_at > now() or state = 'done' as later, coalesce(armed_until > now(), false) as armed
             from operation where id = $1`,
          [id],
        );
        const later = row.dueIn > 0 || row.state === 'done';
        expect(real).toEqual({ state: row.state, epoch: row.epoch, later, armed: row.armedIn > 0 });
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(happened.get('claim')).toBeGreaterThan(20);
    expect(happened.get('arm')).toBeGreaterThan(10);
  });
});
