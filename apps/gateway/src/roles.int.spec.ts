import { type Route, type RouteName, routes } from '@slipway/api';
import { CommandAccepted, CommandIssued, type Role, Role as Roles } from '@slipway/contracts';
import { permissionsOf } from '@slipway/identity';
import { anId } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, type Scene } from './gateway.fixture.js';

let scene: Scene;
/** Somebody of each role in `shop` only; and who holds every role, but in another project. */
const actors = new Map<Role, Actor>();
let foreigner: Actor;
const ids = { release: '', request: '' };

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
  await scene.aProject('other');
  for (const role of Roles.options) actors.set(role, await scene.join(`A ${role}`, [{ role, project: 'shop' }]));
  foreigner = await scene.join(
    'A foreigner',
    Roles.options.map((role) => ({ role, project: 'other' })),
  );
  const release = await scene.aBuiltRelease('shop', 1);
  ids.release = release.id;
  ids.request = (await scene.aRequest(release)).request;
});
afterAll(() => scene?.stage.clear());

const all = Object.entries(routes) as [RouteName, Route][];
const guarded = all.filter(([, { permission }]) => permission !== 'anyone' && permission !== 'signed-in');
/** A role in one project never gives these. */
const ofInstallation = new Set(['target.apply', 'people.manage', 'dead-letters.read', 'dead-letters.manage', 'ledger.manage']);
const isOfProject = ({ path }: Route) => /\{project\}|projects\/\{name\}|(releases|approvals)\/\{id\}/.test(path);

async function ask(who: Actor | undefined, route: Route, query = '', body?: object): Promise<number> {
  const values: Record<string, string> = {
    project: 'shop',
    name: route.path.includes('targets') ? 'lab' : 'shop',
    environment: 'test',
    number: '1',
    service: 'approval',
    id: route.path.includes('/releases/') ? ids.release : route.path.includes('/approvals/') ? ids.request : anId(),
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] as string);
  const answer = await fetch(new URL(`${path}${query}`, scene.gateway.url), {
    method: route.method,
    headers: { ...(who ? { authorization: `Bearer ${who.token}` } : {}), ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe('every route', () => {
  it.each(all.filter(([, { permission }]) => permission !== 'anyone'))('%s lets nobody in who has no token', async (_, route) => {
    expect([401, 429]).toContain(await ask(undefined, route));
  });

  it('lets nobody in by a token that was revoked, is of somebody who left, or that nobody made, on any route', async () => {
    const everywhere = [{ role: 'administrator' as const, project: '*' }];
    const [revoked, gone] = [await scene.join('Revoked', everywhere), await scene.join('Gone', everywhere)];
    await revoked.api.revokeToken({ params: { id: (await revoked.api.listTokens({})).items[0]?.id as string } });
    await scene.administrator.api.changePerson({ params: { id: gone.id }, body: { active: false } });
    const unknown = { ...gone, token: `slw_${'A'.repeat(43)}` };
    const wrong: string[] = [];
    for (const [name, route] of all.filter(([, { permission }]) => permission !== 'anyone')) {
      const statuses = await Promise.all([revoked, gone, unknown].map((who) => ask(who, route)));
      if (!statuses.every((status) => status === 401 || status === 429)) wrong.push(`${name}: ${statuses.join(' ')}`);
    }
    expect(wrong).toEqual([]);
  });

  const lesser = guarded.flatMap(([name, route]) =>
    Roles.options
      .filter(
        (role) => ofInstallation.has(route.permission) || !isOfProject(route) || !permissionsOf[role].includes(route.permission as never),
      )
      .map((role) => [name, role, route] as const),
  );
  it.each(lesser)('%s refuses a mere %s of a project', async (_, role, route) => {
    expect(await ask(actors.get(role), route)).toBe(403);
  });

  it.each(guarded.filter(([, route]) => isOfProject(route)))('%s: what is another project’s is not there', async (name, route) => {
    expect(await ask(foreigner, route, name === 'releaseLogs' ? '?stream=build/1' : '')).toBe(404);
  });

  it.each(guarded.filter(([, route]) => isOfProject(route) && route.method === 'GET'))(
    '%s is open to who may read',
    async (name, route) => {
      const query = name === 'releaseLogs' ? '?stream=build/1' : '';
      expect(await ask(actors.get('developer'), route, query)).toBe(200);
    },
  );

  it('audit is open to the auditor of a project, for that project', async () => {
    expect(await ask(actors.get('auditor'), routes.audit, '?project=shop')).toBe(200);
    expect(await ask(actors.get('auditor'), routes.audit, '?project=other')).toBe(404);
    expect(await ask(actors.get('developer'), routes.audit, '?project=shop')).toBe(403);
    const namesake = await scene.join('A namesake', [{ role: 'auditor', project: 'installation' }]);
    expect(await ask(namesake, routes.audit, '?project=installation')).toBe(404);
  });
});

describe('lists', () => {
  it('show nothing of another project', async () => {
    const { api } = foreigner;
    expect((await api.listReleases({})).items).toEqual([]);
    expect((await api.listReleases({ query: { project: 'shop' } })).items).toEqual([]);
    expect((await api.listApprovals({})).items).toEqual([]);
    expect((await api.listProjects({})).items.map(({ name }) => name)).toEqual(['other']);
  });

  it('show what is one’s own', async () => {
    const api = (actors.get('tester') as Actor).api;
    expect((await api.listReleases({})).items.map(({ release }) => release.id)).toEqual([ids.release]);
    expect((await api.listApprovals({ query: { state: 'open' } })).items.map(({ request }) => request)).toEqual([ids.request]);
    expect((await api.listReleases({ query: { state: 'live' } })).items).toEqual([]);
    expect((await api.listReleases({ query: { environment: 'pre-release' } })).items).toHaveLength(1);
  });

  it('come in pages', async () => {
    await scene.aBuiltRelease('shop', 2);
    await scene.aBuiltRelease('shop', 3);
    const { api } = scene.administrator;
    const seen: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await api.listReleases({ query: { project: 'shop', limit: 2, ...(cursor ? { cursor } : {}) } });
      seen.push(...page.items.map(({ release }) => release.number));
      cursor = page.cursor;
    }
    expect(seen).toEqual([3, 2, 1]);
  });
});

const commanding = all.filter(([, { command }]) => command !== null);

/** The least of the roles that may call a route. */
function leastFor(route: Route): Actor {
  if (ofInstallation.has(route.permission) || !isOfProject(route)) return scene.administrator;
  const role = Roles.options.find((each) => permissionsOf[each].includes(route.permission as never));
  return actors.get(role as Role) as Actor;
}

describe('a command', () => {
  const bodies: Partial<Record<RouteName, object>> = { scale: { instances: 3 }, askAgain: { environment: 'pre-release' } };
  it.each(commanding)('%s goes out for the least of those who may give it, as the route names it', async (name, route) => {
    ids.release = (await scene.aBuiltRelease('shop', 100 + commanding.findIndex(([each]) => each === name))).id;
    const who = leastFor(route);
    const body = { reason: 'to see', ...bodies[name], ...(name === 'deploy' ? { release: ids.release } : {}) };
    const asking = ask(who, route, '', body);
    const issued = await scene.stage.hears(CommandIssued, ({ action, person }) => action.kind === route.command && person.id === who.id);
    // The gateway itself does what is asked about its ledger.
    if (issued.service !== 'gateway')
      await scene.stage.say(issued.service, CommandAccepted, { subject: who.id, data: { command: issued.command, message: 'done' } });
    expect(await asking).toBe(200);
  });
});
