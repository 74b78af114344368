import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ApprovalGranted, PersonChanged } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { author } from '../e2e/a-suite.js';
import { Ear } from '../faults/an-ear.js';
import { attacked } from './attacked.ts';
import { attack, notYet } from './case.ts';
import { type AttackedProject, aProject, call, joinAs, problemOf, type Somebody } from './world.ts';

const run = promisify(execFile);
let shop: AttackedProject & { drop(): Promise<void> };
let ear: Ear;
let tess: Somebody;
let otto: Somebody;
let olga: Somebody;

const where = { target: 'lab', deadline: '120s' } as const;
const production = (approval: object) => [
  { name: 'test', stage: 'test' as const, ...where, verify: [{ http: '/', expect: 200 }] },
  { name: 'production', stage: 'production' as const, after: ['test'], ...where, approval },
];
const both = { require: [{ role: 'tester' as const }, { role: 'operator' as const }] };

beforeAll(async () => {
  const on = attacked();
  ear = await Ear.at(on.topicPrefix);
  shop = await aProject(on, { environments: production(both) });
  tess = await joinAs(on, { name: 'Tess', roles: [{ role: 'tester', project: shop.name }] });
  otto = await joinAs(on, { name: 'Otto', roles: [{ role: 'operator', project: shop.name }] });
  olga = await joinAs(on, { name: 'Olga', roles: [{ role: 'operator', project: shop.name }] });
  await shop.request(1);
}, 120_000);
afterAll(async () => {
  await shop?.drop();
  await ear?.close();
});

/** The request of a release made of one more commit, by whom the words of `git commit` say. */
async function asked(as: { name?: string; email?: string; committer?: string; trailers?: string[] } = {}): Promise<string> {
  const { name = 'Ann Author', email = author.emails[0] as string, committer = email, trailers = [] } = as;
  await shop.repository.write('site/index.html', v7());
  const git = (...words: string[]) =>
    run('git', ['-C', shop.repository.dir, '-c', 'user.name=C', '-c', `user.email=${committer}`, ...words], { timeout: 20_000 });
  await git('add', '.');
  await git('commit', '--quiet', `--author=${name} <${email}>`, '-m', ['Change', '', ...trailers].join('\n'));
  const revision = (await git('rev-parse', 'HEAD')).stdout.trim();
  return eventually(
    async () => {
      const { items } = await attacked().administrator.listApprovals({ query: { project: shop.name, state: 'open', limit: 20 } });
      return items.find(({ release }) => release.revision === revision)?.request ?? false;
    },
    { within: 50_000, every: 100 },
  );
}

const sign = (who: Somebody, id: string, decision: 'approve' | 'reject' = 'approve') =>
  who.api.signOff({ params: { id }, body: { decision, comment: decision === 'reject' ? 'no' : '' } });
const view = (id: string) => attacked().administrator.getApproval({ params: { id } });
const stateOf = async (id: string) => (await view(id)).state;
const becomes = (id: string, state: string) => eventually(async () => expect(await stateOf(id)).toBe(state), { within: 30_000 });
const grantsOf = (id: string) => ear.all(ApprovalGranted).filter((data) => data.request === id).length;

describe('Approvals', () => {
  attack(
    'A01',
    {
      input:
        'author, committer, co-author, a second account with the same e-mail, and the same at an address a forge hides sign their own change',
      expected: 'refused as their own change; whoever had no part in it may sign',
      provenBy: [{ file: 'libs/release/src/duties.spec.ts', test: 'finds the second account of the same human' }],
    },
    async (on) => {
      const mark = v7().slice(-8);
      const roles = [{ role: 'operator', project: shop.name }] as const;
      const people = await Promise.all([
        joinAs(on, { name: 'The author', emails: [`author-${mark}@example.org`], roles }),
        joinAs(on, { name: 'The committer', emails: [`committer-${mark}@example.org`], roles }),
        joinAs(on, { name: 'The co-author', emails: [`co-${mark}@example.org`], roles }),
        joinAs(on, { name: 'Another account', emails: [`AUTHOR-${mark}@example.org`], roles }),
        joinAs(on, { name: 'Behind a forge', accounts: [`forge-${mark}`], roles }),
      ]);
      const request = await asked({
        email: `author-${mark}@example.org`,
        committer: `committer-${mark}@example.org`,
        trailers: [`Co-authored-by: Co <co-${mark}@example.org>`, `Co-authored-by: F <7+forge-${mark}@users.noreply.github.com>`],
      });
      const codes = [];
      for (const who of people) codes.push((await problemOf(sign(who, request))).code);
      expect(codes).toEqual(people.map(() => 'own-change'));
      expect(await sign(otto, request)).toMatchObject({ state: 'accepted', missing: ['1 more tester'] });
      expect((await view(request)).signOffs).toHaveLength(1);
      return `409 own-change ${codes.length} times`;
    },
  );

  attack(
    'A02',
    {
      input: 'sign off a build, then another build comes: the next release, of another digest',
      expected: 'no sign-off carries over; each names its digest',
    },
    async () => {
      const first = await asked();
      await sign(tess, first);
      const second = await asked();
      const [one, other] = [await view(first), await view(second)];
      expect(one.deployment.image.digest).not.toBe(other.deployment.image.digest);
      expect(other.signOffs).toEqual([]);
      expect(other.missing).toEqual(['1 more tester', '1 more operator']);
      expect(await sign(otto, second)).toMatchObject({ missing: ['1 more tester'] });
      expect(await stateOf(second)).toBe('open');
      return 'the second request has no sign-off';
    },
  );

  attack(
    'A04',
    {
      input: 'sign off, then the project’s settings change before the rollout',
      expected: 'void: what was signed is no longer what would run',
    },
    async () => {
      const first = await asked();
      await sign(tess, first);
      await shop.apply({
        app: { drain: '0s', stable: '300ms', env: { COLOUR: v7() }, health: { http: '/', every: '300ms', timeout: '500ms', grace: '15s' } },
      });
      await becomes(first, 'voided');
      expect((await problemOf(sign(otto, first))).code).toBe('request-voided');
      expect(grantsOf(first)).toBe(0);
      return 'voided; 409 afterwards';
    },
  );

  attack(
    'A06',
    {
      input: 'two approve at once; one person clicks ten times at once; one approves while another rejects',
      expected: 'one outcome; a person counts once',
      within: 120_000,
      provenBy: [{ file: 'apps/approval/src/domain/approval-request.spec.ts', test: 'counts a person once' }],
    },
    async () => {
      const twice = await asked();
      const clicks = await Promise.allSettled(Array.from({ length: 10 }, () => sign(otto, twice)));
      expect(clicks.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await view(twice)).toMatchObject({ state: 'open', missing: ['1 more tester'] });
      const outcomes: string[] = [];
      for (let at = 0; at < 2; at++) {
        const request = await asked();
        await sign(tess, request);
        await Promise.allSettled([sign(otto, request), sign(olga, request, 'reject')]);
        await eventually(async () => expect(await stateOf(request)).not.toBe('open'));
        const state = await stateOf(request);
        expect(grantsOf(request)).toBe(state === 'granted' ? 1 : 0);
        expect(['granted', 'rejected']).toContain(state);
        outcomes.push(state);
      }
      return `one of ten clicks counted; races ended ${outcomes.join(', ')}`;
    },
  );

  attack(
    'A08',
    {
      input: 'GET and HEAD of everything that looks like “approve”, as a mail scanner would, with and without a token',
      expected: 'no effect',
    },
    async (on) => {
      const request = await asked();
      const { number } = (await view(request)).release;
      const paths = [
        `/api/v1/approvals/${request}/sign-offs?decision=approve`,
        `/api/v1/approvals/${request}?decision=approve`,
        `/approve?request=${request}&decision=approve`,
        `/releases/${shop.name}/${number}`,
        `/releases/${shop.name}/${number}?decision=approve`,
        `/api/v1/approvals/${request}/sign-offs?_method=POST`,
      ];
      const statuses = new Set<number>();
      for (const path of paths) {
        for (const method of ['GET', 'HEAD', 'OPTIONS']) {
          for (const token of [undefined, otto.token])
            statuses.add(
              (await call(on, path, { method, ...(token ? { token } : {}), headers: { 'x-http-method-override': 'POST' } })).status,
            );
        }
      }
      expect(await view(request)).toMatchObject({ state: 'open', signOffs: [] });
      return `${paths.length * 6} reads (${[...statuses].join(', ')}), no sign-off`;
    },
  );

  attack(
    'A16',
    {
      input: 'an administrator empties the policy while a request is open',
      expected: 'the open request is void; who did it is in the audit chain; what goes in then says that policy let it in',
      within: 90_000,
    },
    async (on) => {
      const request = await asked();
      const before = ear.all(ApprovalGranted).length;
      const applied = async () => {
        const { items } = await on.administrator.audit({ query: { project: shop.name, limit: 1000 } });
        return items.map(({ entry }) => JSON.stringify(entry)).filter((entry) => entry.includes('project.applied'));
      };
      const known = (await applied()).length;
      await shop.apply({ environments: production({}) });
      await becomes(request, 'voided');
      const granted = await eventually(
        () =>
          ear
            .all(ApprovalGranted)
            .slice(before)
            .find(({ release }) => release.project === shop.name) ?? false,
        { within: 30_000 },
      );
      expect(granted.request).not.toBe(request);
      const entry = await eventually(async () => (await applied())[known] ?? false, { within: 20_000 });
      expect(entry).toContain((await on.administrator.me({})).id);
      await shop.apply({ environments: production(both) });
      return 'voided; granted anew by policy, under another request; in the chain';
    },
  );

  notYet('A66', {
    input: 'an administrator lowers the quorum alone',
    expected: 'a second administrator must agree',
    why: 'the policy is the project file, which one administrator applies: signed, versioned and in the audit chain (ADR 10)',
    issue: 7,
  });

  attack('A17', { input: 'approve after the request expired', expected: 'refused; the request says expired' }, async () => {
    await shop.apply({ environments: production({ ...both, expires: '3s' }) });
    const request = await asked();
    await becomes(request, 'expired');
    const { status, code } = await problemOf(sign(otto, request));
    expect([status, code]).toEqual([409, 'request-expired']);
    await shop.apply({ environments: production(both) });
    return '409 request-expired';
  });

  attack('A51', { input: 'sign off a release that was withdrawn meanwhile', expected: 'refused, and nothing of it goes in' }, async () => {
    const request = await asked();
    await sign(tess, request);
    const { release } = await view(request);
    await otto.api.withdrawRelease({ params: { id: release.id }, body: { reason: 'broken' } });
    const { status } = await problemOf(sign(otto, request));
    expect(status).toBe(409);
    expect(await stateOf(request)).toBe('voided');
    expect(grantsOf(request)).toBe(0);
    return '409; no grant';
  });

  attack(
    'A52',
    {
      input: 'a role is taken away, and a person made inactive, between their sign-off and the grant',
      expected: 'what they signed counts no more',
    },
    async (on) => {
      const gone = await joinAs(on, { name: 'Gone', roles: [{ role: 'tester', project: shop.name }] });
      const demoted = await joinAs(on, { name: 'Demoted', roles: [{ role: 'tester', project: shop.name }] });
      const request = await asked();
      await sign(gone, request);
      await sign(demoted, request);
      await on.administrator.changePerson({ params: { id: demoted.person.id }, body: { roles: [] } });
      await on.administrator.changePerson({ params: { id: gone.person.id }, body: { active: false } });
      await Promise.all([heardOf(demoted), heardOf(gone)]);
      expect((await sign(otto, request)).missing).toEqual(['1 more tester']);
      expect(await stateOf(request)).toBe('open');
      const { status } = await call(on, '/api/v1/me', { token: gone.token });
      expect(status).toBe(401);
      return 'it stayed open: 1 more tester; the inactive one’s token is dead';
    },
  );

  attack(
    'A57',
    {
      input: 'put a release of another project into one’s own test environment; ask for it; retry it by its id',
      expected: '404 or refused: nothing of another project is moved',
    },
    async (on) => {
      const other = await aProject(on, {});
      try {
        await other.request(1);
        const theirs = (await on.administrator.getReleaseByNumber({ params: { project: other.name, number: 1 } })).release.id;
        const refused = [
          await problemOf(
            otto.api.deploy({ params: { project: shop.name, environment: 'test' }, body: { release: theirs, reason: 'mine now' } }),
          ),
          await problemOf(otto.api.askAgain({ params: { id: theirs }, body: { environment: 'production', reason: 'mine' } })),
          await problemOf(otto.api.retryRelease({ params: { id: theirs }, body: { reason: 'mine' } })),
        ];
        expect(refused.map(({ status }) => status)).toEqual([409, 404, 404]);
        const { running } = await on.administrator.getEnvironment({ params: { project: shop.name, environment: 'test' } });
        expect(running?.release.project).toBe(shop.name);
        return refused.map(({ status, code }) => `${status} ${code}`).join(', ');
      } finally {
        await other.drop();
      }
    },
  );

  attack(
    'A60',
    {
      input: 'climb: an operator applies a policy, a project’s administrator gives himself roles everywhere, makes people, manages targets',
      expected: '403 each time; nothing changed',
    },
    async (on) => {
      const chief = await joinAs(on, { name: 'Chief', roles: [{ role: 'administrator', project: shop.name }] });
      const file = (await otto.api.getProject({ params: { name: shop.name } })).file;
      const statuses = [
        await problemOf(otto.api.applyProject({ params: { name: shop.name }, body: file })),
        await problemOf(
          chief.api.changePerson({ params: { id: chief.person.id }, body: { roles: [{ role: 'administrator', project: '*' }] } }),
        ),
        await problemOf(chief.api.addPerson({ body: { name: 'Puppet', roles: [{ role: 'operator', project: shop.name }] } })),
        await problemOf(chief.api.invite({ params: { id: otto.person.id } })),
        await problemOf(chief.api.removeTarget({ params: { name: 'lab' } })),
        await problemOf(otto.api.removeTarget({ params: { name: 'lab' } })),
      ].map(({ status }) => status);
      expect(statuses).toEqual([403, 403, 403, 403, 403, 403]);
      const me = await chief.api.me({});
      expect(me.roles).toEqual([{ role: 'administrator', project: shop.name }]);
      expect(
        (
          await call(on, '/api/v1/me', {
            method: 'PATCH',
            body: '{"roles":[]}',
            headers: { 'content-type': 'application/json' },
            token: chief.token,
          })
        ).status,
      ).toBe(405);
      return '403 six times; nobody changes himself at /me: 405';
    },
  );

  attack(
    'A63',
    {
      input: 'a comment of 4,001 characters, with HTML, terminal escapes, U+202E; a rejection without a reason',
      expected: '400, or kept as text',
    },
    async (on) => {
      const request = await asked();
      const to = `/api/v1/approvals/${request}/sign-offs`;
      const post = (body: object) =>
        call(on, to, { method: 'POST', token: otto.token, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const hostile = '<img src=x onerror=alert(1)>\u001b]8;;javascript:alert(1)\u0007\u001b[2J\u202Edrawkcab</script>';
      const statuses = [
        (await post({ decision: 'approve', comment: 'x'.repeat(4_001) })).status,
        (await post({ decision: 'reject', comment: ' \n' })).status,
        (await post({ decision: 'APPROVE' })).status,
        (await post({ decision: ['approve'] })).status,
        (await post({ decision: 'approve', person: tess.person.id })).status,
        (await post({ decision: 'approve', via: 'key' })).status,
        (await post({ decision: 'approve', comment: 'a\u0000b' })).status,
      ];
      expect(statuses).toEqual([400, 400, 400, 400, 400, 400, 400]);
      await otto.api.signOff({ params: { id: request }, body: { decision: 'approve', comment: hostile } });
      await eventually(async () => expect((await view(request)).signOffs[0]?.comment).toBe(hostile));
      const page = await call(on, `/api/v1/approvals/${request}`, { token: otto.token });
      expect(page.headers.get('content-type')).toMatch(/^application\/json/);
      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      return '400 seven times; hostile text comes back as JSON text';
    },
  );
});

/** Waits until approval has answered for all that was said of somebody. */
async function heardOf({ person }: Somebody): Promise<void> {
  await eventually(() => {
    const said = ear.once().filter(({ headers }) => headers['ce_type'] === PersonChanged.type && headers['ce_subject'] === person.id);
    const answered = new Set(
      ear.records.filter(({ headers }) => headers['ce_source'] === 'approval').map(({ headers }) => headers['ce_causationid']),
    );
    expect(said).toHaveLength(2);
    return said.every(({ headers }) => answered.has(headers['ce_id']));
  });
}
