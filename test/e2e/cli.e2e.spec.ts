import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApprovalModule } from '@slipway/approval';
import { exitCodes, run, type Surroundings } from '@slipway/cli';
import {
  ApprovalGranted,
  ApprovalRequested,
  AuditLinked,
  CommandAccepted,
  CommandIssued,
  CommitDetected,
  type DataOf,
  ImageBuilt,
  type Release,
  VerificationPassed,
} from '@slipway/contracts';
import { GatewayModule } from '@slipway/gateway';
import { KafkajsEventLog } from '@slipway/messaging';
import type { Booted } from '@slipway/service-kit';
import { aDigest, anId, aProjectFile, aRelease, aTargetFile, eventually, realParts } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Somebody at a machine of their own, with the real program, the real gateway and the real approval. */
class Person {
  private constructor(readonly home: string) {}

  static async atHome(): Promise<Person> {
    return new Person(await mkdtemp(join(tmpdir(), 'slipway-person-')));
  }

  async slipway(words: string, stdin = '') {
    const written = { out: '', err: '' };
    const sink = (to: 'out' | 'err') => ({
      isTerminal: false,
      columns: undefined,
      write: (text: string) => {
        written[to] += text;
      },
    });
    const around: Surroundings = {
      env: { SLIPWAY_TRUST_FILE: stage.keys.trustFile, SLIPWAY_DATA_DIR: stage.keys.dir },
      home: this.home,
      stdin: { isTerminal: false, read: () => Promise.resolve(stdin), ask: () => Promise.reject(new Error('nobody is there to be asked')) },
      stdout: sink('out'),
      stderr: sink('err'),
      now: () => new Date(),
      interrupted: new AbortController().signal,
    };
    const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
    const exit = await run(argv, around);
    return { exit, ...written };
  }

  /** Runs it, wants it to go well, and gives the answer. */
  async answers<T = any>(words: string, stdin = ''): Promise<T> {
    const ran = await this.slipway(`${words} --json`, stdin);
    expect(ran).toMatchObject({ exit: exitCodes.ok });
    return JSON.parse(ran.out);
  }
}

let stage: Stage;
let gateway: Booted;
let ada: Person;
let tess: Person;
let otto: Person;

beforeAll(async () => {
  [ada, tess, otto] = await Promise.all([Person.atHome(), Person.atHome(), Person.atHome()]);
  stage = await aStage();
  gateway = await stage.start(GatewayModule, { SLIPWAY_CHECK_ANSWERS: '1' });
  await stage.start(ApprovalModule);
});
afterAll(async () => {
  await Promise.all([ada, tess, otto].map(({ home }) => rm(home, { recursive: true, force: true })));
  await stage?.clear();
});

const file = (value: unknown) => JSON.stringify(value);
const provenance = { payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] };

/** A release that was born, built and verified in test; gives the request that came of it. */
async function aVerifiedRelease(number: number): Promise<DataOf<typeof ApprovalRequested>> {
  const release = aRelease({ project: 'shop', number });
  await verified(release);
  return await askedFor(release);
}

async function askedFor({ id }: Release): Promise<DataOf<typeof ApprovalRequested>> {
  const asked = await stage.hears(ApprovalRequested, ({ release }) => release.id === id);
  await eventually(async () => (await tess.slipway(`approval show ${asked.request}`)).exit === exitCodes.ok);
  return asked;
}

/** Says that a release was born, built and verified in test, as the three services would. */
async function verified(release: Release): Promise<void> {
  const authors = [{ name: 'Ann Author', email: 'ann@shop.example', account: null }];
  const about = { subject: release.id, correlationId: release.id };
  const of = {
    release,
    projectVersion: 1,
    repositoryFile: null,
    image: { repository: 'localhost:5000/shop', digest: aDigest(release.id) },
  };
  const range = { from: null, commits: [], total: 1 };
  await stage.say('source-watcher', CommitDetected, {
    ...about,
    data: { ...of, range, people: authors, pusher: null, trigger: { kind: 'poll', person: null }, image: null },
  });
  await stage.say('image-builder', ImageBuilt, { ...about, data: { ...of, built: true, seconds: 3, provenance, authors } });
  await stage.say('test-deployer', VerificationPassed, {
    ...about,
    data: {
      ...of,
      environment: 'test',
      deployment: anId(),
      address: 'http://127.0.0.1:1',
      evidence: [],
      seconds: 1,
      provenance,
      verdict: provenance,
      authors,
    },
  });
}

describe('the command line, with the real gateway and the real approval', () => {
  it('lets the first administrator in by the printed link, once', async () => {
    const link = await readFile(join(stage.keys.dir, 'administrator-link'), 'utf8');
    const login = `login --url ${gateway.url} --name "Ada Administrator" --email ada@shop.example`;
    expect(await ada.slipway(login, link)).toMatchObject({ exit: exitCodes.ok });
    expect(await ada.answers('whoami')).toMatchObject({ name: 'Ada Administrator', roles: [{ role: 'administrator', project: '*' }] });
    expect(await tess.slipway(login, link)).toMatchObject({ exit: exitCodes.failed });
  });

  it('applies targets and projects, says what is unchanged, and puts faults at their place', async () => {
    const both = `${file(aTargetFile())}\n---\n${file(aProjectFile())}\n`;
    expect((await ada.slipway('apply -f - --dry-run', both)).exit).toBe(exitCodes.failed); // the project's target is not there yet
    expect((await ada.slipway('apply -f -', both)).out).toBe('target lab applied, version 1\nproject shop applied, version 1\n');
    expect((await ada.slipway('apply -f - --dry-run', both)).out).toBe(
      'target lab unchanged, version 1\nproject shop unchanged, version 1\n',
    );
    const lost = `apiVersion: slipway.dev/v1
kind: Project
metadata: {name: hats}
spec:
  source: {git: {url: https://git.example/hats.git}}
  image: {repository: localhost:5000/hats}
  environments:
    - {name: test, stage: test, target: moon}
`;
    const refused = await ada.slipway('apply -f -', lost);
    expect(refused).toMatchObject({ exit: exitCodes.failed });
    expect(refused.err).toMatch(/^standard input:8:33: spec\.environments\[0\]\.target: .*moon/);
    expect((await ada.slipway('project show shop --yaml')).out).toContain('kind: Project');
    expect((await ada.slipway('target list')).out).toMatch(/^lab +docker/m);
  });

  it('adds people, who log in by their codes, and changes their roles', async () => {
    const add = (name: string, role: string) =>
      ada.answers(`person add "${name}" --email ${name.split(' ')[0]?.toLowerCase()}@shop.example --role ${role}`);
    for (const [person, name, role] of [
      [tess, 'Tess Tester', 'tester@shop'],
      [otto, 'Otto Operator', 'developer'],
    ] as const) {
      const { invitation } = await add(name, role);
      expect(await person.slipway(`login --url ${gateway.url}`, invitation.code)).toMatchObject({ exit: exitCodes.ok });
    }
    expect(await ada.answers('person change otto@shop.example --add-role operator@shop --remove-role developer')).toMatchObject({
      roles: [{ role: 'operator', project: 'shop' }],
    });
    // Without her, her commits match nobody, and one more person would have to sign.
    await add('Ann Author', 'developer@shop');
    expect((await tess.slipway('person add Eve')).exit).toBe(exitCodes.failed);
  });

  it('signs a release off, by token and by key posted straight to Kafka', async () => {
    await otto.answers('key new');
    await otto.answers('key add');
    const { request } = await aVerifiedRelease(1);
    expect((await tess.slipway('approval list --mine')).out).toMatch(/^shop\/1 +pre-release/m);
    expect(await otto.slipway('approve shop/1 production --yes')).toMatchObject({ exit: exitCodes.failed });
    expect(await tess.slipway('approve shop/1 pre-release --yes --comment "looked at it"')).toMatchObject({ exit: exitCodes.ok });
    expect(await tess.slipway('approve shop/1 pre-release --yes')).toMatchObject({ exit: exitCodes.failed }); // a second vote
    const prefix = stage.environment['SLIPWAY_TOPIC_PREFIX'];
    const record = await otto.answers(`approve shop/1 --yes --with-key --topic-prefix ${prefix}`);
    const log = new KafkajsEventLog({
      clientId: 'ottos-own-tool',
      brokers: [...realParts().kafkaBrokers],
      logger: pino({ level: 'silent' }),
    });
    await log.publish([{ ...record, value: Buffer.from(record.value) }]).finally(() => log.close());
    const granted = await stage.hears(ApprovalGranted, (data) => data.request === request);
    expect(granted.signOffs.map(({ person }) => person.name).sort()).toEqual(['Otto Operator', 'Tess Tester']);
  });

  it('sends a release back, shows its timeline and follows it to its end', async () => {
    const asked = await aVerifiedRelease(2);
    expect(await tess.slipway('reject shop/2 --yes --comment "the basket is empty"')).toMatchObject({ exit: exitCodes.ok });
    const watched = await tess.slipway('release watch shop/2 --timeout 20s');
    expect(watched).toMatchObject({ exit: exitCodes.failed, out: expect.stringMatching(/shop\/2 rejected: .*\n$/) });
    expect((await tess.slipway('release show shop/2')).out).toContain('the basket is empty');
    expect(await tess.answers(`approval show ${asked.request}`)).toMatchObject({ state: 'rejected' });
    expect((await tess.slipway('release list --project shop')).out).toMatch(/^shop\/2 +rejected/m);
    expect((await tess.slipway('release show shop/99')).exit).toBe(exitCodes.failed);
  });

  it('has a dead letter handled again once what was wrong is mended', async () => {
    const release = aRelease({ project: 'shop', number: 3 });
    const open = async () =>
      (await ada.answers('dead-letters list --service approval')).items as { id: string; name: string; reason: string }[];
    // A table of approval that cannot take what its handler writes for this release.
    await stage.database.query(`alter table slipway_approval.request add constraint poisoned check (release <> '${release.id}')`);
    await verified(release);
    const letter = await eventually(async () => (await open())[0] ?? false);
    expect(letter).toMatchObject({ name: expect.stringContaining('verification.passed'), reason: expect.stringContaining('poisoned') });
    const replay = (reason: string) => ada.slipway(`dead-letters replay approval ${letter.id} --reason "${reason}"`);
    expect(await replay('perhaps it works now')).toMatchObject({ exit: exitCodes.failed, err: expect.stringContaining('poisoned') });
    await stage.database.query('alter table slipway_approval.request drop constraint poisoned');
    expect(await replay('the table takes it now')).toMatchObject({ exit: exitCodes.ok });
    expect(await askedFor(release)).toMatchObject({ environment: 'pre-release' });
    expect(await open()).toEqual([]);
  });

  it('folds the ledger anew, and finds that it says what the journal says', async () => {
    const phases = () => stage.database.query('select id, phase from slipway_gateway.release order by id');
    const right = await phases();
    await stage.database.query(`update slipway_gateway.release set phase = 'live' where project = 'shop' and number = 2`);
    expect(await ada.slipway('ledger check --reason "shop/2 looks odd"')).toMatchObject({ exit: exitCodes.failed });
    expect(await ada.slipway('ledger rebuild --reason "shop/2 shows what did not happen"')).toMatchObject({ exit: exitCodes.ok });
    expect(await phases()).toEqual(right);
    expect(await ada.slipway('ledger check --reason "is it mended"')).toMatchObject({ exit: exitCodes.ok });
    expect((await ada.slipway('ledger show')).out).toMatch(/check/);
  });

  it('tells what a service answers to a command', async () => {
    const running = tess.slipway('environment hold shop test --until 2h --reason "testing the basket"');
    const { command, action } = await stage.hears(CommandIssued, (data) => data.action.kind === 'environment.hold');
    expect(action).toMatchObject({ project: 'shop', environment: 'test' });
    const issued = stage.heard.find((event) => event.name === 'command.issued')!;
    await stage.say('test-deployer', CommandAccepted, {
      subject: issued.subject,
      causationId: issued.id,
      data: { command, message: 'held' },
    });
    expect(await running).toMatchObject({ exit: exitCodes.ok, out: expect.stringContaining('shop test is held until') });
    expect((await tess.slipway(`command show ${command}`)).out).toMatch(/state +accepted/);
  });

  it('verifies the audit chains, and an export of them, until somebody rewrites one', async () => {
    await stage.hears(AuditLinked, (data) => data.chain === 'shop');
    await eventually(async () =>
      /sign-off\.accepted +Otto Operator +shop\/1 pre-release: approve/.test((await ada.slipway('audit show shop')).out),
    );
    await eventually(async () => /person\.signed-in +Tess Tester +invitation/.test((await ada.slipway('audit show')).out));
    const verified = await ada.answers('audit verify');
    expect(verified.chains.find(({ chain }: { chain: string }) => chain === 'shop')).toMatchObject({ findings: [], warnings: [] });
    const out = join(ada.home, 'audit.json');
    await ada.answers(`audit export --out ${out}`);
    expect(await ada.slipway(`audit verify --file ${out}`)).toMatchObject({ exit: exitCodes.ok });
    const kept = await stage.database.query<{ link: unknown }>(
      `select link from slipway_gateway.audit_link where chain = 'shop' and sequence = 1`,
    );
    const changed = JSON.stringify(kept[0]?.link).replace('"entry":{', '"entry":{"nobody":"saw this",');
    await stage.database.query(`update slipway_gateway.audit_link set link = $1 where chain = 'shop' and sequence = 1`, [changed]);
    const broken = await ada.slipway('audit verify --project shop');
    expect(broken).toMatchObject({ exit: exitCodes.failed, out: expect.stringMatching(/^BROKEN +shop.*\n +rewritten: entry 1 /) });
  });

  it('revokes tokens and keys, and finds with doctor what is wrong', async () => {
    const tokenFile = join(otto.home, 'ci-token');
    await otto.answers(`token new ci --days 1 --out ${tokenFile}`);
    expect(await otto.slipway(`whoami --token-file ${tokenFile}`)).toMatchObject({ exit: exitCodes.ok });
    await otto.answers('token revoke ci');
    expect(await otto.slipway(`whoami --token-file ${tokenFile}`)).toMatchObject({
      exit: exitCodes.failed,
      err: expect.stringContaining('slipway login'),
    });
    const { items } = await otto.answers('key list');
    await otto.answers(`key revoke ${items[0].id} --yes`);
    expect((await ada.slipway('dead-letters list')).exit).toBe(exitCodes.ok);
    const findings = JSON.parse((await ada.slipway('doctor --json')).out).findings as { check: string; state: string }[];
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect(states).toMatchObject({
      gateway: 'ok',
      clock: 'ok',
      person: 'ok',
      status: 'ok',
      'trust file': 'ok',
      'approval ready': 'ok',
      'key of approval': 'ok',
    });
    expect((await ada.slipway('project remove shop --confirm shop')).out).toBe('project shop removed\n');
  });
});
