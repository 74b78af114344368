import { request } from 'node:http';
import type { Role } from '@slipway/contracts';
import { Database, schemaOf } from '@slipway/postgres';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Attacked, attacked } from './attacked.ts';
import { attack } from './case.ts';
import { type AttackedProject, aProject, joinAs, type Somebody } from './world.ts';

/**
 * Who may call each operation of the API, by its id: `anyone` brings a proof in the body; `signed-in` is for every good token and shows what is its
 * own; a role is the least that may do it in a project (in all projects for those of `installation`). An operation that is not in this table fails the
 * case: whoever adds one says here who may.
 */
const expected: Readonly<
  Record<string, 'anyone' | 'signed-in' | { readonly in: 'project' | 'installation'; readonly may: readonly Role[] }>
> = {
  redeem: 'anyone',
  ...all('signed-in', 'me', 'listPeople', 'listKeys', 'addKey', 'revokeKey', 'listTokens', 'addToken', 'revokeToken'),
  ...all('signed-in', 'listProjects', 'listTargets', 'listReleases', 'listApprovals', 'getCommand', 'status', 'events'),
  ...all(of('installation', 'administrator'), 'addPerson', 'changePerson', 'invite', 'getLedger', 'rebuildLedger', 'checkLedger'),
  ...all(of('installation', 'operator', 'administrator'), 'applyTarget', 'removeTarget', 'replayDeadLetter', 'discardDeadLetter'),
  ...all(of('installation', 'auditor', 'operator', 'administrator'), 'listDeadLetters'),
  ...all(of('installation', 'auditor', 'administrator'), 'audit'),
  ...all(of('project', 'auditor', 'developer', 'tester', 'operator', 'administrator'), 'getProject', 'getRelease', 'getReleaseByNumber'),
  ...all(of('project', 'auditor', 'developer', 'tester', 'operator', 'administrator'), 'releaseLogs', 'getApproval'),
  ...all(of('project', 'auditor', 'developer', 'tester', 'operator', 'administrator'), 'listEnvironments', 'getEnvironment'),
  ...all(of('project', 'developer', 'tester', 'operator', 'administrator'), 'refreshProject', 'retryRelease', 'cancelRelease', 'askAgain'),
  ...all(of('project', 'developer', 'tester', 'operator', 'administrator'), 'signOff', 'deploy'),
  ...all(of('project', 'tester', 'operator', 'administrator'), 'withdrawRelease', 'hold', 'unhold'),
  ...all(of('project', 'operator', 'administrator'), 'scale', 'rollback'),
  ...all(of('project', 'administrator'), 'applyProject', 'removeProject'),
};

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security: unknown;
}

const roles = ['auditor', 'developer', 'tester', 'operator', 'administrator'] as const;
let operations: Operation[];
let shop: AttackedProject & { drop(): Promise<void> };
let other: AttackedProject & { drop(): Promise<void> };
let ids: { release: string; approval: string; command: string; person: string };
const people = new Map<Role, Somebody>();
let foreigner: Somebody;

beforeAll(async () => {
  const on = attacked();
  operations = await documented(on);
  [shop, other] = [await aProject(on), await aProject(on)];
  for (const role of roles) people.set(role, await joinAs(on, { name: `A ${role}`, roles: [{ role, project: shop.name }] }));
  foreigner = await joinAs(on, { name: 'From elsewhere', roles: roles.map((role) => ({ role, project: other.name })) });
  const approval = await shop.request(1);
  const release = (await on.administrator.getReleaseByNumber({ params: { project: shop.name, number: 1 } })).release.id;
  const { command } = await on.administrator.refreshProject({ params: { name: shop.name }, body: { reason: 'for its id' } });
  ids = { release, approval, command, person: (people.get('developer') as Somebody).person.id };
}, 180_000);
afterAll(async () => {
  await shop?.drop();
  await other?.drop();
});

function all<T>(value: T, ...names: string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

function of(where: 'project' | 'installation', ...may: Role[]) {
  return { in: where, may } as const;
}

async function documented(on: Attacked): Promise<Operation[]> {
  const document = (await (await fetch(`${on.gatewayUrl}/api/v1/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown>; security?: unknown }>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId: id, responses, security }]) => ({
      id,
      method: method.toUpperCase(),
      path,
      responses,
      security,
    })),
  );
}

/** Where an operation leads for what is of `shop`. */
function addressOf({ id, path }: Operation): string {
  const last = path.startsWith('/api/v1/releases')
    ? ids.release
    : path.startsWith('/api/v1/approvals')
      ? ids.approval
      : path.startsWith('/api/v1/commands')
        ? ids.command
        : ids.person;
  const values: Record<string, string> = {
    id: last,
    project: shop.name,
    name: path.includes('/targets') ? 'lab' : shop.name,
    environment: 'test',
    number: '1',
    service: 'approval',
  };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x');
  return id === 'releaseLogs' ? `${filled}?stream=build/1` : filled;
}

let addresses = 0;

/** Asks from an address of its own: too many failures of one are told to wait, and that is another case. */
function ask(operation: Operation, authorization?: string, to = addressOf(operation)): Promise<{ status: number; code: string }> {
  addresses++;
  const localAddress = `127.${1 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`;
  const { hostname, port } = new URL(attacked().gatewayUrl);
  const headers = { ...(authorization === undefined ? {} : { authorization }), accept: 'application/json' };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: to, method: operation.method, headers, localAddress, timeout: 15_000 }, (answer) => {
      let text = '';
      const end = () => {
        asked.destroy();
        resolve({ status: answer.statusCode ?? 0, code: /"code":"([^"]+)"/.exec(text)?.[1] ?? '' });
      };
      answer.on('data', (chunk: Buffer) => {
        text += chunk;
        // A stream of events never ends by itself.
        if (answer.headers['content-type']?.startsWith('text/event-stream')) end();
      });
      answer.on('end', end);
    });
    asked.once('error', reject);
    asked.end();
  });
}

const as = (who: Somebody | undefined) => `Bearer ${who?.token}`;

describe('Every route of the OpenAPI document', () => {
  attack(
    'X01',
    {
      input: 'the OpenAPI document the running gateway serves',
      expected: 'this tier says of each operation who may call it, and of no other',
    },
    async () => {
      expect(operations.map(({ id }) => id).toSorted((one, another) => one.localeCompare(another))).toEqual(
        Object.keys(expected).toSorted((one, another) => one.localeCompare(another)),
      );
      for (const { id, security, responses } of operations) {
        expect(security, id).toEqual(expected[id] === 'anyone' ? [] : undefined);
        // Each status by its own: what is not written down there is found by the fuzzer as a deviation (Z04).
        expect(Object.keys(responses), id).toEqual(expect.arrayContaining(['400', '401', '429', '503']));
        expect(Object.keys(responses), id).not.toContain('default');
      }
      return `${operations.length} operations`;
    },
  );

  attack(
    'X02',
    {
      input:
        'each operation without a token, and with one that is malformed, unknown, expired, revoked, of somebody inactive; in other schemes',
      expected: '401 each time, and nothing more',
      provenBy: [{ file: 'apps/gateway/src/roles.int.spec.ts', test: 'lets nobody in who has no token' }],
      within: 180_000,
    },
    async (on) => {
      const administrator = [{ role: 'administrator', project: '*' }] as const;
      const [expired, revoked, inactive] = [
        await joinAs(on, { roles: administrator }),
        await joinAs(on, { roles: administrator }),
        await joinAs(on, { roles: administrator }),
      ];
      const database = await Database.connect({ url: on.databaseUrl, schema: schemaOf('gateway'), applicationName: 'attack' });
      await database.query("update token set expires_at = now() - interval '1 s' where person = $1", [expired.person.id]);
      await database.close();
      const { items } = await revoked.api.listTokens({});
      await revoked.api.revokeToken({ params: { id: items[0]?.id as string } });
      await on.administrator.changePerson({ params: { id: inactive.person.id }, body: { active: false } });
      const good = on.administratorToken;
      const comings: Record<string, string | undefined> = {
        nothing: undefined,
        empty: 'Bearer ',
        malformed: 'Bearer \u00e4',
        unknown: `Bearer slw_${'A'.repeat(43)}`,
        expired: as(expired),
        revoked: as(revoked),
        inactive: as(inactive),
        basic: `Basic ${Buffer.from(`admin:${good}`).toString('base64')}`,
        bare: good,
        'two of them': `Bearer ${good} ${good}`,
        'a blank in it': `Bearer ${good.slice(0, 20)} ${good.slice(20)}`,
      };
      const wrong: string[] = [];
      for (const operation of operations.filter(({ id }) => expected[id] !== 'anyone')) {
        for (const [how, authorization] of Object.entries(comings)) {
          const { status } = await ask(operation, authorization);
          if (status !== 401) wrong.push(`${operation.id}, ${how}: ${status}`);
        }
      }
      expect(wrong).toEqual([]);
      return `${Object.keys(comings).length} ways, ${operations.length - 1} operations: 401`;
    },
  );

  attack(
    'A09',
    {
      input: 'each operation on what is of another project, by somebody who holds every role in his own',
      expected: '404 for what one may not even know of, as if it were not there; 403 for what is of the installation',
      provenBy: [{ file: 'apps/gateway/src/roles.int.spec.ts', test: 'what is another project’s is not there' }],
    },
    async () => {
      const wrong: string[] = [];
      for (const operation of operations) {
        const who = expected[operation.id];
        if (typeof who === 'string' || who === undefined) continue;
        const { status } = await ask(operation, as(foreigner));
        const wanted = who.in === 'project' ? 404 : 403;
        if (status !== wanted) wrong.push(`${operation.id}: ${status}, expected ${wanted}`);
        if (who.in === 'installation') continue;
        // As if it were not there: the same answer for an id nobody has.
        const nowhere = addressOf(operation)
          .replaceAll(ids.release, crypto.randomUUID())
          .replaceAll(ids.approval, crypto.randomUUID())
          .replaceAll(shop.name, 'nobody-s');
        const missing = await ask(operation, as(foreigner), nowhere);
        if (missing.status !== 404) wrong.push(`${operation.id} of nobody: ${missing.status}`);
      }
      const command = operations.find(({ id }) => id === 'getCommand') as Operation;
      if ((await ask(command, as(foreigner))).status !== 404) wrong.push('getCommand shows a command of another project');
      expect(wrong).toEqual([]);
      return '404, and 403 for what is of the installation';
    },
  );

  attack(
    'X04',
    {
      input: 'each operation by somebody of each role of the project, without a body',
      expected: '403 not-allowed for who may not; never 401, 404 or 403 for who may',
      provenBy: [{ file: 'apps/gateway/src/roles.int.spec.ts', test: 'refuses a mere %s of a project' }],
      within: 120_000,
    },
    async () => {
      const wrong: string[] = [];
      let asked = 0;
      for (const operation of operations) {
        const who = expected[operation.id];
        if (typeof who === 'string' || who === undefined) continue;
        for (const role of roles) {
          const may = who.in === 'project' && who.may.includes(role);
          // What would be done and has no body to leave out.
          if (may && operation.method === 'DELETE') continue;
          const { status, code } = await ask(operation, as(people.get(role)));
          asked++;
          if (!may && (status !== 403 || code !== 'not-allowed')) wrong.push(`${operation.id} by a ${role}: ${status} ${code}`);
          if (may && ![200, 400, 409, 415].includes(status)) wrong.push(`${operation.id} by a ${role}, who may: ${status} ${code}`);
        }
      }
      expect(wrong).toEqual([]);
      return `${asked} calls`;
    },
  );

  attack(
    'X05',
    {
      input: 'each list by somebody of another project, also with the project named',
      expected: 'nothing of another project is in it, nor in the state of the installation',
    },
    async () => {
      const shown = async ({ api }: Somebody) =>
        JSON.stringify([
          await api.listReleases({ query: { project: shop.name } }),
          await api.listReleases({}),
          await api.listApprovals({ query: { project: shop.name } }),
          await api.listApprovals({}),
          await api.listProjects({}),
          await api.status({}),
        ]);
      const found = await shown(foreigner);
      for (const secret of [shop.name, ids.release, ids.approval]) {
        expect(found).not.toContain(secret);
        expect(await shown(people.get('auditor') as Somebody)).toContain(secret);
      }
      const audit = operations.find(({ id }) => id === 'audit') as Operation;
      expect((await ask(audit, as(foreigner), `/api/v1/audit?project=${shop.name}`)).status).toBe(404);
      const events = operations.find(({ id }) => id === 'events') as Operation;
      expect((await ask(events, as(foreigner), `/api/v1/events?project=${shop.name}`)).status).toBe(404);
      expect((await ask(events, as(foreigner), `/api/v1/events?release=${ids.release}`)).status).toBe(404);
      return 'nothing of it';
    },
  );
});
