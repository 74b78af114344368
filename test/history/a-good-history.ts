import { readFile } from 'node:fs/promises';
import { EventNoted, PersonChanged, ProjectApplied, TargetApplied } from '@slipway/contracts';
import { TrustFile } from '@slipway/identity';
import { aProjectFile, aRevision, aTargetFile, type TestKeyRing } from '@slipway/testkit';
import { letIn } from './a-grant.ts';
import { build, command, rollOut, test } from './a-passage.ts';
import { dockerOf } from './docker-of.ts';
import type { History } from './history.ts';
import { gatewayTables, messagingTables, placesAt, prefix, Scribe } from './scribe.ts';
import { app, begin, bodyOf, host, imageOf, installation, Teller, type Twist } from './teller.ts';

/**
 * Two releases of `shop` that went through test to production, and a rollback to the first: compact, and signed as the services sign. It holds on all
 * eleven promises; a twist breaks one.
 */
export async function aGoodHistory(keys: TestKeyRing, twist: Twist = {}): Promise<History> {
  const scribe = new Scribe(keys);
  const teller = new Teller(scribe, twist);
  await tell(teller);
  await twist.more?.(teller.good, scribe);
  const { links, heads } = await scribe.link(teller.now + 1000, twist.unlinked);
  const records = await scribe.records();
  const made = twist.made?.(teller.made, teller.good) ?? teller.made;
  const tables = [
    ...messagingTables(records, teller.operations),
    ...gatewayTables(records, links),
    ...teller.tables(),
    { service: 'approval', name: 'audit_entry', rows: links.map(({ event: _, ...row }) => row) },
    { service: 'approval', name: 'audit_head', rows: heads },
    { service: 'approval', name: 'audit_pending', rows: [] },
  ];
  const times = {
    from: new Date(begin).toISOString(),
    until: new Date(teller.now + 120_000).toISOString(),
    topicsAt: new Date(teller.now + 110_000).toISOString(),
    faultsEnded: new Date(teller.now).toISOString(),
  };
  return {
    about: {
      ...{ title: 'made up', installation, topicPrefix: prefix, ...times, gaps: [] },
      trust: TrustFile.parse(JSON.parse(await readFile(keys.trustFile, 'utf8'))),
      canaries: [{ name: 'db-password', value: 'correct-horse-battery' }],
    },
    records,
    places: placesAt(records),
    tables,
    docker: dockerOf(made, { installation, env: app.env, host }),
    registry: {
      repositories: ['shop'],
      manifests: [1, 2, 3].map((n) => ({
        repository: 'shop',
        tag: imageOf(n).digest,
        digest: imageOf(n).digest,
        mediaType: 'application/json',
        body: bodyOf(n),
      })),
    },
    seen: teller.seen,
    repositories: [{ project: 'shop', system: 'git', commits: teller.commits, refs: { 'refs/heads/main': aRevision('2') } }],
    texts: [
      { is: 'log', where: 'log of gateway', text: 'ready' },
      { is: 'layer', where: 'blob of shop', text: '<h1>shop</h1>' },
      { is: 'page', where: 'http://gateway/health/ready', text: 'ready' },
      { is: 'process', where: 'git', text: 'git ls-remote' },
    ],
  };
}

async function tell(teller: Teller): Promise<void> {
  for (const person of [teller.otto, teller.ann])
    teller.say(`person.changed ${person.name}`, 'gateway', PersonChanged, { person, version: 1, by: null }, person.id);
  teller.say('target.applied', 'gateway', TargetApplied, { target: 'lab', version: 1, file: aTargetFile(), by: teller.otto }, 'lab');
  const environments = [
    { name: 'test', stage: 'test' as const, target: 'lab' },
    { name: 'production', stage: 'production' as const, after: ['test'], target: 'lab', approval: teller.policy as never },
  ];
  const applied = teller.say(
    'project.applied',
    'gateway',
    ProjectApplied,
    { project: 'shop', version: 1, file: aProjectFile({ spec: { environments } }), by: teller.otto, reason: '' },
    'shop',
  );
  teller.say('project.applied noted', 'approval', EventNoted, { event: applied, outcome: 'noted', reason: null }, 'shop', applied);
  teller.now += 20_000;
  for (const release of [teller.good.one, teller.good.two]) {
    await build(teller, release);
    await test(teller, release);
    await letIn(teller, release, String(release.number));
    rollOut(teller, release, { key: String(release.number), attempt: release.number, kind: 'rollout' });
  }
  const { three } = teller.good;
  if (teller.twist.third) {
    await build(teller, three);
    await test(teller, three);
    await letIn(teller, three, '3');
  }
  if (teller.twist.back === 'never') return;
  if (teller.twist.back === 'rollout') await letIn(teller, teller.good.one, 'again');
  else command(teller);
  rollOut(teller, teller.good.one, { key: 'back', attempt: 3, kind: teller.twist.back ?? 'rollback' });
  if (teller.twist.third) rollOut(teller, three, { key: '3', attempt: 4, kind: 'rollout' });
}
