import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { services } from '@slipway/contracts';
import { askForRowSeals, initKeys, keyFileIn } from '@slipway/identity';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { release, tess } from '../answers.example.js';
import { GatewayDouble } from '../gateway-double.fixture.js';

type Finding = { check: string; state: string; message: string; mend: string | null };
const token = `slw_${'t'.repeat(43)}`;
const terminal = new Terminal();
let double: GatewayDouble | undefined;
const status = {
  version: '0.1.0',
  journal: { events: 7, newest: null },
  services: services.map((service) => ({
    service,
    lastHeard: service === 'notifier' ? null : '2026-11-23T05:00:00.000Z',
    owes: false,
  })),
  stuck: [],
  warnings: [],
};

beforeAll(async () => {
  await initKeys({ dir: terminal.at('data'), services });
  await writeFile(terminal.at('token'), token, { mode: 0o600 });
});
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

async function examined(answers: Parameters<typeof GatewayDouble.start>[0], now?: Date) {
  double = await GatewayDouble.start(answers);
  const ran = await terminal.run(['doctor', '--json', '--url', double.url, '--token-file', terminal.at('token')], now ? { now } : {});
  const { findings } = ran.json<{ findings: Finding[] }>();
  return { ran, findings, of: (check: string) => findings.find((each) => each.check === check) };
}
const fine = { me: () => tess, status: () => status };

describe('doctor', () => {
  it('finds nothing wrong where nothing is', async () => {
    const { ran, findings } = await examined({ ...fine, status: () => ({ ...status, services: [] }) });
    expect(findings.filter(({ state }) => state === 'failed' || state === 'warning')).toEqual([]);
    expect(ran.exit).toBe(0);
  });

  it('says of a gateway that is away what to look at, and what could not be looked at', async () => {
    const ran = await terminal.run(['doctor', '--url', 'http://127.0.0.1:9', '--token-file', terminal.at('token')]);
    expect(ran.exit).toBe(1);
    expect(ran.out).toMatch(/WRONG {4}gateway: http:\/\/127\.0\.0\.1:9 does not answer.*\n +→ is it started/);
    expect(ran.out).toContain('skipped  status: not looked at');
  });

  it('passes on what the gateway warns of, with how to mend it', async () => {
    const warnings = [
      { code: 'single-database-role', message: 'all services share one database role', mend: 'let DATABASE_URL create roles' },
    ];
    const { ran, of } = await examined({ ...fine, status: () => ({ ...status, warnings }) });
    expect(of('single-database-role')).toMatchObject({ state: 'warning', mend: 'let DATABASE_URL create roles' });
    expect(ran.exit).toBe(0);
  });

  it('doubts who was never heard of only where he must have answered', async () => {
    expect((await examined(fine)).of('notifier')).toMatchObject({ state: 'ok', message: 'it has had nothing to say so far' });
    await double?.stop();
    const owing = status.services.map((each) => ({ ...each, owes: each.service === 'notifier' }));
    expect((await examined({ ...fine, status: () => ({ ...status, services: owing }) })).of('notifier')).toMatchObject({
      state: 'warning',
      mend: expect.stringContaining('start it'),
    });
  });

  it('names a stuck release as people do, and what it waits for', async () => {
    const stuck = {
      release: release.id,
      name: 'shop/42',
      state: 'passed',
      since: '2026-11-23T05:00:00.000Z',
      waitsFor: 'the registry of test',
    };
    expect((await examined({ ...fine, status: () => ({ ...status, stuck: [stuck] }) })).of('stuck')).toMatchObject({
      message: expect.stringMatching(/^release shop\/42 is passed .*; it waits for: the registry of test$/),
      mend: 'slipway release show shop/42',
    });
  });

  it('says what is in the way of a stuck release and what to do, and is not content', async () => {
    const since = '2026-11-23T05:00:00.000Z';
    const letter = {
      code: 'dead-letter',
      service: 'image-builder' as const,
      since,
      message: 'image-builder could not take commit.detected: x',
      mend: 'slipway dead-letters show image-builder "t:0:1"',
    };
    const stuck = { release: release.id, name: 'shop/42', state: 'detected', since, waitsFor: 'its turn to be built', why: [letter] };
    const { ran, of } = await examined({ ...fine, status: () => ({ ...status, stuck: [stuck] }) });
    expect(of('stuck')).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('; image-builder could not take commit.detected: x (since 2026-11-23T05:00:00.000Z)'),
      mend: 'slipway dead-letters show image-builder "t:0:1"; slipway release show shop/42',
    });
    expect(ran.exit).toBe(1);
  });

  it('measures how far the clocks are apart', async () => {
    expect((await examined(fine)).of('clock')).toMatchObject({ state: 'ok' });
    await double?.stop();
    expect((await examined(fine, new Date(Date.now() + 60_000))).of('clock')).toMatchObject({
      state: 'warning',
      mend: expect.stringContaining('NTP'),
    });
    await double?.stop();
    expect((await examined(fine, new Date(Date.now() - 600_000))).of('clock')).toMatchObject({ state: 'failed' });
  });

  it('finds a token that is not good, and one that others can read', async () => {
    expect((await examined({})).of('person')).toMatchObject({ state: 'failed', mend: expect.stringContaining('login') });
    await double?.stop();
    await chmod(terminal.at('token'), 0o644);
    const { of } = await examined(fine);
    expect(of('token file')).toMatchObject({ state: 'failed', message: expect.stringContaining('chmod 600') });
    await chmod(terminal.at('token'), 0o600);
  });

  it('finds a service that believes rows without their seal', async () => {
    const dir = terminal.at('data');
    await askForRowSeals({ dir, services: ['approval'], rowSeals: 'adopted' });
    try {
      const { of } = await examined(fine);
      expect(of('key of approval')).toMatchObject({ state: 'warning', mend: expect.stringContaining('slipway keys seals ask approval') });
      expect(of('key of gateway')).toMatchObject({ state: 'ok' });
    } finally {
      await askForRowSeals({ dir, services: ['approval'], rowSeals: 'asked' });
    }
  });

  it('finds a key that others can read, one that nobody trusts, and a trust file that others can write', async () => {
    const approval = keyFileIn(terminal.at('data'), 'approval');
    await chmod(approval, 0o640);
    const gateway = keyFileIn(terminal.at('data'), 'gateway');
    await rm(gateway);
    await initKeys({ dir: terminal.at('other'), services: ['gateway'] });
    await rm(terminal.at('data', 'keys', 'notifier.json'));
    await mkdir(terminal.at('data', 'prometheus'), { recursive: true });
    await writeFile(gateway, await readFile(keyFileIn(terminal.at('other'), 'gateway')), { mode: 0o600 });
    const { of } = await examined(fine);
    expect(of('key of approval')).toMatchObject({ state: 'failed', message: expect.stringContaining('chmod 600') });
    expect(of('key of gateway')).toMatchObject({ state: 'failed', message: expect.stringContaining('not in the trust file') });
    expect(of('key of notifier')).toMatchObject({ state: 'skipped' });
    await double?.stop();
    await chmod(terminal.at('data', 'trust.json'), 0o666);
    expect((await examined(fine)).of('trust file')).toMatchObject({ state: 'failed', message: expect.stringContaining('chmod go-w') });
  });

  it.each([
    ['mail"} 0', 'webhook"} 0', '', { notifications: 'warning' }],
    ['mail"} 0', 'webhook"} 1', '', { notifications: 'ok' }],
    ['mail"} 1', 'webhook"} 0', 'slipway_channel_failing{channel="mail"} 0', { notifications: 'ok', 'mail server': 'ok' }],
    ['mail"} 1', 'webhook"} 0', 'slipway_channel_failing{channel="mail"} 1', { notifications: 'ok', 'mail server': 'warning' }],
  ])('says whether anybody would be told anything (%s, %s, %s)', async (mail, webhook, failing, states) => {
    const text = ['# HELP x', ...[mail, webhook].map((channel) => `slipway_channel_configured{channel="${channel}`), failing].join('\n');
    const notifier = createServer((request, response) => void response.end(request.url === '/metrics' ? text : '{"status":"ready"}'));
    await new Promise<void>((resolve) => notifier.listen(0, '127.0.0.1', resolve));
    const target = `127.0.0.1:${(notifier.address() as AddressInfo).port}`;
    const file = terminal.at('data', 'prometheus', 'notifier-1-9.json');
    await mkdir(terminal.at('data', 'prometheus'), { recursive: true });
    await writeFile(file, JSON.stringify([{ targets: [target], labels: { service: 'notifier' } }]));
    const { findings } = await examined(fine);
    const of = Object.fromEntries(findings.map(({ check, state }) => [check, state]));
    expect({ notifications: of['notifications'], ...(of['mail server'] && { 'mail server': of['mail server'] }) }).toEqual(states);
    await rm(file);
    notifier.closeAllConnections();
    await new Promise((resolve) => notifier.close(resolve));
  });

  it('says what keeps a service from its work, by the figures that raise the alarms', async () => {
    const text = [
      'slipway_operations{kind="build",state="exhausted"} 2',
      'slipway_operations{kind="build",state="ready"} 9',
      'slipway_operation_overdue_seconds{kind="build"} 301',
      'slipway_handoff_age_seconds 599',
      'slipway_events_parked 1',
      'slipway_outbox_age_seconds 0',
      'slipway_part_away_seconds{part="registry"} 90',
      'slipway_part_away_seconds{part="approval"} 70',
    ].join('\n');
    const builder = createServer((request, response) => void response.end(request.url === '/metrics' ? text : '{"status":"ready"}'));
    await new Promise<void>((resolve) => builder.listen(0, '127.0.0.1', resolve));
    const file = terminal.at('data', 'prometheus', 'image-builder-1-9.json');
    const targets = [`127.0.0.1:${(builder.address() as AddressInfo).port}`];
    await writeFile(file, JSON.stringify([{ targets, labels: { service: 'image-builder' } }]));
    const { findings, ran } = await examined(fine);
    const said = findings
      .filter(({ check }) => /^image-builder (says|works|hears)$/.test(check))
      .map(({ state, message }) => `${state}: ${message}`);
    expect(said).toEqual([
      'failed: work of kind build waits for a worker since 5m',
      'warning: it gave up 2 of kind build',
      'failed: it waits for the registry since 1m',
      'failed: it waits for approval to hear what runs since 1m',
      'warning: it has put 1 events aside',
    ]);
    expect(ran.exit).toBe(1);
    await rm(file);
    builder.closeAllConnections();
    await new Promise((resolve) => builder.close(resolve));
  });

  it('asks every service whose address is written down', async () => {
    await writeFile(
      terminal.at('data', 'prometheus', 'approval-1-9.json'),
      JSON.stringify([{ targets: ['127.0.0.1:9'], labels: { service: 'approval' } }]),
    );
    expect((await examined(fine)).of('approval ready')).toMatchObject({ state: 'failed', mend: expect.stringContaining('start approval') });
  });
});
