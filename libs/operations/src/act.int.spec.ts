import { eventually, TcpProxy } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, LostClaim, LostPlace, type Work } from './index.js';
import { aborted, connect, db, doneAfter, ended, gate, open, oweOne, row, test, withOperations, work, worker } from './worker.fixture.js';

withOperations();

/** Seconds for which the operation is still armed, by the database's clock; null where it is not. */
const armedFor = async () =>
  (await db.query<{ s: number | null }>('select extract(epoch from armed_until - clock_timestamp())::float8 as s from operation'))[0]?.s;

/** A claim in the hands of a worker whose run lasts until `go`. */
async function held(more: Partial<Work> = {}, database = db) {
  const [began, go] = [gate<Claim>(), gate()];
  const made = await worker(
    [
      work(
        async (claim) => {
          began.pass(claim);
          await Promise.race([go.passed, aborted(claim.signal)]);
          return { done: true };
        },
        { callTimeoutMs: 500, ...more },
      ),
    ],
    database,
  );
  await oweOne();
  return { claim: await began.passed, go, made };
}

/** As `held`, and cut off from the database as the dead are. */
async function dead(does: (claim: Claim) => Promise<unknown>) {
  const { proxy, through } = await TcpProxy.before(test.url);
  const far = await connect(through);
  open.push(
    () => proxy.close(),
    () => far.close(),
  );
  const { claim } = await held({}, far);
  await does(claim);
  proxy.pause();
  open.push(async () => proxy.resume());
  const taken = gate<{ epoch: number; stillArmed: number | null | undefined }>();
  await worker([work(async ({ operation: { epoch } }) => doneAfter(taken.pass({ epoch, stillArmed: await armedFor() })))]);
  const cutAt = performance.now();
  return { taken: await taken.passed, after: performance.now() - cutAt };
}

/** Resolves when its call has been sent; that is answered by nobody. */
async function sendsAndHangs(claim: Claim): Promise<void> {
  const sent = gate();
  const acting = claim.act(500, ({ signal }) => {
    sent.pass();
    return aborted(signal);
  });
  acting.catch(() => undefined);
  await sent.passed;
}

describe('a call that changes something outside', () => {
  it('is armed before it is sent, for longer than it may take', async () => {
    const { claim, go } = await held();
    expect(await armedFor()).toBeNull();
    const [armed, acting] = await claim.act(500, async (given) => [await armedFor(), given] as const);
    expect(armed).toBeGreaterThan(2.5);
    expect(armed).toBeLessThanOrEqual(4.5);
    expect(acting.epoch).toBe(1);
    go.pass();
    await ended();
  });

  it('is not sent where somebody else has the operation', async () => {
    const { claim } = await held({ leaseMs: 60_000 });
    await db.query('update operation set epoch = epoch + 1');
    let sent = false;
    const acting = claim.act(500, async () => (sent = true));
    await expect(acting).rejects.toBeInstanceOf(LostClaim);
    expect(sent).toBe(false);
    expect(claim.signal.reason).toBeInstanceOf(LostClaim);
    expect(await armedFor()).toBeNull();
  });

  it('is armed anew where the answer to that came late', async () => {
    const { claim, go } = await held({ leaseMs: 60_000 });
    const [locked, free] = [gate(), gate()];
    const other = db.transaction(async (tx) => {
      await tx.query('select 1 from operation for update');
      locked.pass();
      await free.passed;
    });
    await locked.passed;
    const began = performance.now();
    const armed = claim.act(500, armedFor);
    await eventually(() => expect(performance.now() - began).toBeGreaterThan(2_100));
    free.pass();
    await other;
    expect(await armed).toBeGreaterThan(2.5);
    go.pass();
    await ended();
  });

  it('is ended when its time is over, and the work goes on', async () => {
    const { claim, go } = await held();
    await expect(claim.act(50, ({ signal }) => aborted(signal))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(claim.signal.aborted).toBe(false);
    go.pass();
    await ended();
  });

  it('is longer than no work says', async () => {
    const { claim, go } = await held();
    await expect(claim.act(501, async () => undefined)).rejects.toThrow('longer than its longest');
    go.pass();
    await ended();
  });
});

describe('who takes over from the dead', () => {
  it('waits for nothing but the lease where nothing was armed', async () => {
    const { taken, after } = await dead(async () => undefined);
    expect(taken).toEqual({ epoch: 2, stillArmed: null });
    expect(after).toBeLessThan(4_000);
  });

  it('waits until what was armed can be on its way no more', async () => {
    const { taken } = await dead(sendsAndHangs);
    expect(taken.epoch).toBe(2);
    expect(taken.stillArmed).toBeTypeOf('number');
    expect(taken.stillArmed).toBeLessThanOrEqual(0);
  });

  it('waits for nothing but the lease where all that was sent was answered, and that was written', async () => {
    const { taken, after } = await dead(async (claim) => {
      await claim.act(500, async () => undefined);
      await claim.note({ step: 1 });
    });
    expect(taken).toEqual({ epoch: 2, stillArmed: null });
    expect(after).toBeLessThan(4_000);
  });
});

describe('what was armed', () => {
  it('is disarmed with the next renewal once it was answered, and not before', async () => {
    const { claim, go } = await held({ leaseMs: 600 });
    const answer = gate();
    const acting = claim.act(500, () => answer.passed);
    await eventually(async () => expect(await armedFor()).toBeGreaterThan(0));
    const end = performance.now() + claim.leaseLeft();
    await eventually(() => expect(performance.now() + claim.leaseLeft()).toBeGreaterThan(end));
    await claim.note('while it is under way');
    expect(await armedFor()).toBeGreaterThan(0);
    answer.pass();
    await acting;
    await eventually(async () => expect(await armedFor()).toBeNull(), { within: 2_000, every: 20 });
    go.pass();
    await ended();
  });

  it('stays armed where the call was cut off by something that does not end the claim', async () => {
    const { claim, go } = await held();
    const cut = new AbortController();
    const acting = claim.act(500, ({ signal }) => aborted(signal), cut.signal);
    await eventually(async () => expect(await armedFor()).toBeGreaterThan(2));
    cut.abort(new Error('the hands are lost'));
    await expect(acting).rejects.toThrow('the hands are lost');
    await claim.note('what it knows');
    expect(await armedFor()).toBeGreaterThan(2);
    go.pass();
    await ended();
  });

  it('stays armed where the call failed and did not say that nothing of it is under way', async () => {
    const { claim, go } = await held();
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    await expect(claim.act(500, () => Promise.reject(new Error('the target does not answer', { cause: reset })))).rejects.toThrow();
    await claim.note('what it knows');
    expect(await armedFor()).toBeGreaterThan(2);
    go.pass();
    await ended();
  });

  it('stays armed as long as what was cut off before needs, and not as what was answered since', async () => {
    const { claim, go } = await held();
    await expect(claim.act(50, ({ signal }) => aborted(signal))).rejects.toMatchObject({ name: 'TimeoutError' });
    const cutOff = await armedFor();
    await claim.act(500, async () => undefined);
    await claim.note('what it knows');
    expect(await armedFor()).toBeLessThanOrEqual(cutOff as number);
    expect(await armedFor()).toBeGreaterThan(2);
    go.pass();
    await ended();
  });

  it('is disarmed where the call failed and what it failed with says that it was answered, or never sent', async () => {
    const { claim, go } = await held();
    const refused = Object.assign(new Error('no such image'), { isOver: true });
    await expect(claim.act(500, () => Promise.reject(new Error('the target said no', { cause: refused })))).rejects.toThrow();
    await claim.note('what it knows');
    expect(await armedFor()).toBeNull();
    go.pass();
    await ended();
  });

  it('is disarmed for whom it is handed over to where what is under way is answered soon after the process was told to stop', async () => {
    const [sent, answer, wasCutOff] = [gate(), gate(), gate<boolean>()];
    const run = async (claim: Claim) => {
      await claim.act(5_000, async ({ signal }) => {
        sent.pass();
        await answer.passed;
        wasCutOff.pass(signal.aborted);
      });
      return { again: { afterMs: 60_000, reason: 'it was told to stop' } };
    };
    const leaving = await worker([work(run, { callTimeoutMs: 5_000 })]);
    await oweOne();
    await sent.passed;
    const stopped = leaving.stop(5_000);
    answer.pass();
    await stopped;
    expect(await wasCutOff.passed).toBe(false);
    expect(await row()).toMatchObject({ state: 'ready', armed_until: null });
    await worker([work(async () => ({ done: true }))]);
    await ended();
  });

  it('stays armed where the call was cut off, also for whom it is handed over to', async () => {
    const { claim, made } = await held();
    await sendsAndHangs(claim);
    await made.stop(5_000);
    expect(await row()).toMatchObject({ state: 'ready' });
    expect(await armedFor()).toBeGreaterThan(2);
    const taken = gate<number>();
    await worker([work(async () => doneAfter(taken.pass(1)))]);
    await db.query("update operation set armed_until = armed_until - interval '3 seconds'");
    await taken.passed;
    expect(await armedFor()).toBeLessThanOrEqual(0);
    await ended();
  });
});

describe('a place that several operations act on', () => {
  /** Claims of two operations of their own, each in the hands of a worker whose run does that and is done. */
  async function two(one: (claim: Claim) => Promise<unknown>, other: (claim: Claim) => Promise<unknown>) {
    for (const [key, does] of [
      ['shop/1', one],
      ['shop/2', other],
    ] as const) {
      await worker([work(async (claim) => doneAfter(await does(claim)), { kind: key, callTimeoutMs: 500 })]);
      await oweOne({ kind: key, key });
    }
  }
  const placeArmed = async () => (await db.query('select 1 from place where armed_until > clock_timestamp()')).length > 0;

  it("is nobody else's while a call of who has it may be under way, and his who comes next once it was answered", async () => {
    const [armed, refused, answered] = [gate(), gate(), gate()];
    await two(
      async (claim) => {
        expect(await claim.take('shop/test')).toBe(true);
        await claim.act(500, async () => {
          armed.pass();
          await refused.passed;
        });
        answered.pass();
      },
      async (claim) => {
        await armed.passed;
        expect(await claim.take('shop/test')).toBe(false);
        expect(await claim.take('shop/production')).toBe(true);
        refused.pass();
        await answered.passed;
        await eventually(async () => expect(await claim.take('shop/test')).toBe(true));
        await claim.act(500, async () => undefined);
      },
    );
    await Promise.all([ended('shop/1'), ended('shop/2')]);
    expect(await placeArmed()).toBe(false);
  });

  it('is waited for where the call was cut off, though its operation has ended', async () => {
    const left = gate();
    await two(
      async (claim) => {
        await claim.take('shop/test');
        await claim.act(500, () => Promise.reject(new Error('socket hang up'))).catch(() => undefined);
        left.pass();
      },
      async (claim) => {
        await left.passed;
        await ended('shop/1');
        expect(await claim.take('shop/test')).toBe(false);
        await db.query("update place set armed_until = armed_until - interval '4 seconds'");
        await eventually(async () => expect(await claim.take('shop/test')).toBe(true), { within: 2_000, every: 20 });
      },
    );
    await ended('shop/2');
  });

  it('is acted on no more by who had it before: that is begun anew, and is no failed attempt', async () => {
    const [has, taken] = [gate(), gate()];
    const begun: { attempt: number; sent: boolean; lost: boolean }[] = [];
    await two(
      async (claim) => {
        let sent = false;
        await claim.take('shop/test');
        has.pass();
        await taken.passed;
        const send = async () => {
          sent = true;
        };
        const error = await claim.act(500, send).catch((thrown: unknown) => thrown);
        begun.push({ attempt: claim.operation.attempt, sent, lost: error instanceof LostPlace });
        if (error) throw error;
      },
      async (claim) => {
        await has.passed;
        expect(await claim.take('shop/test')).toBe(true);
        taken.pass();
      },
    );
    await Promise.all([ended('shop/1'), ended('shop/2')]);
    expect(begun).toEqual([
      { attempt: 0, sent: false, lost: true },
      { attempt: 0, sent: true, lost: false },
    ]);
  });

  it('is taken by nobody who has lost his operation', async () => {
    const { claim } = await held({ leaseMs: 60_000 });
    await db.query('update operation set epoch = epoch + 1');
    expect(await claim.take('shop/test')).toBe(false);
    expect(await db.query('select 1 from place')).toEqual([]);
  });
});
