import type { ApiClient, StreamedEvent } from '@slipway/api';
import { apiClient } from '@slipway/api';
import { CommandAccepted, CommandIssued, type DataOf, SignOffPosted, SignOffRefused } from '@slipway/contracts';
import type { Booted } from '@slipway/service-kit';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, problemOf, type Scene, strict } from './gateway.fixture.js';
import { GatewayModule } from './gateway.module.js';

let scene: Scene;
let second: Booted;
let tess: Actor;
const stopping = new AbortController();

beforeAll(async () => {
  scene = await aScene();
  second = await scene.stage.start(GatewayModule, strict);
  await scene.aProject('shop');
  await scene.aProject('other');
  tess = await scene.join('Tess', [{ role: 'tester', project: 'shop' }]);
});
afterAll(async () => {
  stopping.abort();
  await scene?.stage.clear();
});

/** Follows the stream; what came is in the list, `stop` ends it. */
function follow(api: ApiClient, query: Record<string, string> = {}) {
  const seen: StreamedEvent[] = [];
  const stop = new AbortController();
  const done = api.follow(
    query,
    (event) => void (event.name !== 'message' && seen.push(event)),
    AbortSignal.any([stop.signal, stopping.signal]),
  );
  done.catch(() => undefined);
  return { seen, stop: () => stop.abort(), done };
}

/** One connection by hand, to see how it ends. */
async function connect(url: string, token: string, lastId?: string, query = '') {
  const headers = { authorization: `Bearer ${token}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
  const response = await fetch(new URL(`/api/v1/events${query}`, url), { headers, signal: stopping.signal });
  let text = '';
  let ended = false;
  void (async () => {
    for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) text += chunk;
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return { response, text: () => text, ended: () => ended };
}

const namesOf = (events: readonly StreamedEvent[]) => events.map(({ name }) => name);

describe('the stream of events', () => {
  it('tells what happens in the projects one may read, through every replica, and nothing else', async () => {
    const replica = apiClient({ url: second.url, token: tess.token });
    const streams = [follow(tess.api), follow(replica)];
    await scene.aBuiltRelease('shop', 1);
    await scene.aBuiltRelease('other', 1);
    await scene.aBuiltRelease('shop', 2);
    for (const { seen } of streams) await eventually(() => namesOf(seen).filter((name) => name === 'image.built').length === 2);
    for (const { seen, stop } of streams) {
      stop();
      expect(new Set(seen.map(({ data }) => (data as { project: string }).project))).toEqual(new Set(['shop']));
    }
  });

  it('is opened twenty times by one person and no more, all at once too', async () => {
    const opened = await Promise.all(
      Array.from({ length: 25 }, async () => {
        const stop = new AbortController();
        const headers = { authorization: `Bearer ${tess.token}` };
        const { status } = await fetch(new URL('/api/v1/events', second.url), { headers, signal: stop.signal });
        return { stop, status };
      }),
    );
    for (const { stop } of opened) stop.abort();
    expect(opened.filter(({ status }) => status === 429)).toHaveLength(5);
  });

  it('goes on where it was, without a gap and without a repetition', async () => {
    const before = await connect(scene.gateway.url, tess.token, '0', '?project=shop');
    await eventually(() => before.text().includes('event: image.built'));
    const ids = () => [...before.text().matchAll(/^id: (\d+)\nevent: (\S+)/gm)].map(([, id, name]) => `${id} ${name}`);
    await eventually(() => ids().filter((each) => each.endsWith('image.built')).length === 2);
    const all = ids();
    const middle = all[1]?.split(' ')[0] as string;
    const after = await connect(second.url, tess.token, middle, '?project=shop');
    const rest = () => [...after.text().matchAll(/^id: (\d+)\nevent: (\S+)/gm)].map(([, id, name]) => `${id} ${name}`);
    await eventually(() => rest().length >= all.length - 2);
    expect(rest()).toEqual(all.slice(2));
  });

  it('misses nothing while much happens at once', async () => {
    const { seen, stop } = follow(tess.api, { project: 'shop' });
    await scene.aBuiltRelease('shop', 10);
    await eventually(() => seen.length > 0);
    await Promise.all([11, 12, 13, 14, 15, 16].map((number) => scene.aBuiltRelease('shop', number)));
    await eventually(() => namesOf(seen).filter((name) => name === 'image.built').length === 7);
    stop();
    const numbers = seen.map(({ id }) => Number(id));
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('is of one release where that is asked for, and not of another project’s', async () => {
    const foreign = await scene.aBuiltRelease('other', 3);
    expect((await connect(scene.gateway.url, tess.token, undefined, `?release=${foreign.id}`)).response.status).toBe(404);
    expect((await connect(scene.gateway.url, tess.token, undefined, '?project=other')).response.status).toBe(404);
    expect((await connect(scene.gateway.url, 'slw_no', undefined)).response.status).toBe(401);
    expect((await connect(scene.gateway.url, tess.token, 'x')).response.status).toBe(400);
  });

  it('ends within five seconds after its token was revoked', async () => {
    const fresh = await tess.api.addToken({ body: { name: 'stream' } });
    const open = await connect(scene.gateway.url, fresh.token);
    await eventually(() => open.text().includes('retry:'));
    await tess.api.revokeToken({ params: { id: fresh.id } });
    await eventually(() => open.ended(), { within: 5_000 });
  });

  it('shows nothing more of a project once the role there is gone', async () => {
    const eve = await scene.join('Eve', [{ role: 'developer', project: 'shop' }]);
    const { seen, stop } = follow(eve.api);
    await scene.aBuiltRelease('shop', 20);
    await eventually(() => namesOf(seen).includes('image.built'));
    await scene.administrator.api.changePerson({ params: { id: eve.id }, body: { roles: [] } });
    const count = seen.length;
    await scene.aBuiltRelease('shop', 21);
    const probe = follow(tess.api);
    await scene.aBuiltRelease('shop', 22);
    await eventually(() => namesOf(probe.seen).includes('image.built'));
    expect(seen.length).toBe(count);
    stop();
    probe.stop();
  });
});

describe('two replicas', () => {
  it('each hold their calls, whichever hears the answer', async () => {
    const release = await scene.aBuiltRelease('shop', 30);
    const replica = apiClient({ url: second.url, token: tess.token });
    const calls = [tess.api, replica].flatMap((api) =>
      [1, 2, 3].map((number) => api.withdrawRelease({ params: { id: release.id }, body: { reason: `reason ${number}` } })),
    );
    // All at once: on a busy machine six one after the other are later than a call is held.
    await Promise.all(calls.map(() => scene.answerCommand('approval', { message: 'withdrawn' })));
    expect((await Promise.all(calls)).map(({ state }) => state)).toEqual(calls.map(() => 'accepted'));
  });

  it('say 202 when nobody answers within five seconds, and later what came of it', async () => {
    const release = await scene.aBuiltRelease('shop', 31);
    const began = performance.now();
    const answer = await fetch(new URL(`/api/v1/releases/${release.id}/withdraw`, second.url), {
      method: 'POST',
      body: JSON.stringify({ reason: 'nobody is listening' }),
      headers: { authorization: `Bearer ${tess.token}`, 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(202);
    expect(performance.now() - began).toBeLessThan(7_000);
    const { command, state } = (await answer.json()) as { command: string; state: string };
    expect(state).toBe('pending');
    expect(await tess.api.getCommand({ params: { id: command } })).toMatchObject({ state: 'pending', message: null });
    await scene.stage.hears(CommandIssued, (data) => data.command === command);
    await scene.stage.say('approval', CommandAccepted, { subject: release.id, data: { command, message: 'late, but withdrawn' } });
    await eventually(async () => (await tess.api.getCommand({ params: { id: command } })).state === 'accepted');
  });

  it('believe no answer of a service that was not asked', async () => {
    const release = await scene.aBuiltRelease('shop', 32);
    const call = tess.api.withdrawRelease({ params: { id: release.id }, body: { reason: 'x' } });
    const issued = await scene.stage.hears(CommandIssued, ({ action }) => 'release' in action && action.release === release.id);
    await scene.stage.say('notifier', CommandAccepted, { subject: release.id, data: { command: issued.command, message: 'I did it' } });
    expect((await call).state).toBe('pending');
    expect((await tess.api.getCommand({ params: { id: issued.command } })).state).toBe('pending');
  });

  it('say why a sign-off was refused', async () => {
    const release = await scene.aBuiltRelease('shop', 33);
    const { request } = await scene.aRequest(release, [tess]);
    const replica = apiClient({ url: second.url, token: tess.token });
    const signing = problemOf(replica.signOff({ params: { id: request }, body: { decision: 'approve' } }));
    await scene.stage.hears(SignOffPosted, (data) => data.request === request);
    const posted = scene.stage.heard.find(
      (event) => event.name === SignOffPosted.name && (event.data as DataOf<typeof SignOffPosted>).request === request,
    );
    const reason = { code: 'own-change', message: 'Tess wrote part of this change; somebody else must sign' };
    await scene.stage.say('approval', SignOffRefused, {
      subject: release.id,
      causationId: posted?.id as string,
      data: {
        request,
        release,
        environment: 'pre-release',
        person: { id: tess.id, name: tess.name },
        posted: posted?.id as string,
        reason,
      },
    });
    expect(await signing).toMatchObject({ status: 409, code: 'own-change', detail: reason.message });
    expect((await tess.api.getApproval({ params: { id: request } })).refusals).toMatchObject([
      { person: { id: tess.id }, reason: reason.message },
    ]);
  });
});

// Last: those that stay share its partitions out anew, and for seconds nobody of them hears anything.
describe('a stream', () => {
  it('ends when its replica stops', async () => {
    const third = await scene.stage.start(GatewayModule, strict);
    const open = await connect(third.url, tess.token);
    await eventually(() => open.text().includes('retry:'));
    const began = performance.now();
    await third.stop();
    await eventually(() => open.ended());
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
