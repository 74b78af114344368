import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApprovalRequested, RolloutSucceeded, services } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { byPolicy } from '../e2e/a-suite.js';
import { anObservedSuite, type ObservedSuite } from './an-observed-suite.ts';
import { metricsFile, metricsPage } from './metrics-page.ts';
import { alertRules, Dashboard, dashboardFiles, grafanaFolder, type Panel, readDashboard } from './shipped.ts';
import { familyOf, labelsIn, metricsIn, substituted, variablesIn } from './words-of-a-query.ts';

const files = await dashboardFiles();
const boards = await Promise.all(files.map(async (file) => Dashboard.parse(await readDashboard(file))));
const queries = boards.flatMap(({ uid, panels }) =>
  panels.flatMap((panel) => (panel.targets ?? []).map(({ refId, expr }) => ({ where: `${uid}, ${panel.title}, ${refId}`, expr }))),
);
/** What Prometheus and our targets put on every series, and what a histogram adds. */
const everywhere = new Set(['job', 'instance', 'service', 'le', 'quantile']);

let observed: ObservedSuite;
let families: Map<string, string>;

beforeAll(async () => {
  observed = await anObservedSuite('29000-29999');
  const { prometheus } = observed;
  await eventually(async () => (await prometheus.number('count(up{job="slipway"} == 1)')) === services.length, { within: 20_000 });
  families = await prometheus.families();
}, 90_000);
afterAll(() => observed?.clear(), 90_000);

/** What is wrong with a query's metrics and labels; nothing where all is well. */
function faultsOf(expr: string): string[] {
  const named = metricsIn(expr).filter((metric) => metric !== 'up');
  const unknown = named.filter((metric) => familyOf(metric, families) === undefined);
  const known = named.flatMap((metric) => [...(observed.declared.get(familyOf(metric, families) ?? '')?.labels ?? [])]);
  const labels = labelsIn(expr).filter((label) => !everywhere.has(label) && !known.includes(label));
  return [...unknown.map((metric) => `no metric ${metric}`), ...labels.map((label) => `no label ${label}`)];
}

const panelNamed = (board: string, title: string): string => {
  const panel = boards.find(({ uid }) => uid === board)?.panels.find((each) => each.title === title);
  const [target] = panel?.targets ?? [];
  if (!target) throw new Error(`${board} has no panel ${title}`);
  return substituted(target.expr);
};
const shows = (board: string, title: string) => observed.prometheus.number(panelNamed(board, title));

describe('Grafana', () => {
  it('finds its datasource and dashboards where we ship them', async () => {
    const provisioned = async (kind: string) => parse(await readFile(join(grafanaFolder, 'provisioning', kind, 'slipway.yaml'), 'utf8'));
    const { datasources } = await provisioned('datasources');
    expect(datasources).toEqual([
      expect.objectContaining({ type: 'prometheus', uid: 'slipway-prometheus', access: 'proxy', editable: false }),
    ]);
    const { providers } = await provisioned('dashboards');
    expect(providers[0]).toMatchObject({ type: 'file', options: { path: '/var/lib/grafana/dashboards' } });
    const compose = await readFile(join(grafanaFolder, '../../docker-compose.yml'), 'utf8');
    expect(compose).toContain('./deploy/grafana/dashboards:/var/lib/grafana/dashboards:ro');
    expect(compose).toContain('./deploy/grafana/provisioning:/etc/grafana/provisioning:ro');
    expect(await readdir(join(grafanaFolder, 'dashboards'))).toEqual(files);
  });

  it('knows each dashboard by a uid of its own, which is also its file', () => {
    expect(boards.map(({ uid }) => `${uid}.json`)).toEqual(files);
    expect(new Set(boards.map(({ title }) => title)).size).toBe(boards.length);
  });
});

describe.each(boards.map((board) => [board.title, board] as const))('%s', (_, board) => {
  it('has panels with ids of their own, side by side', () => {
    const ids = board.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const overlapping = board.panels.flatMap((one, at) =>
      board.panels
        .slice(at + 1)
        .filter((other) => overlap(one, other))
        .map((other) => [one.title, other.title]),
    );
    expect(overlapping).toEqual([]);
    expect(board.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });

  it('asks the provisioned datasource, and says of every panel what it shows and in which unit', () => {
    const charts = board.panels.filter(({ type }) => type !== 'row');
    const sources = charts.flatMap((panel) => [panel.datasource, ...(panel.targets ?? []).map(({ datasource }) => datasource)]);
    expect(new Set([...sources, ...board.templating.list.map(({ datasource }) => datasource)].map((source) => source?.uid))).toEqual(
      new Set(['slipway-prometheus']),
    );
    const silent = charts.filter(
      ({ description, fieldConfig, targets }) => !description || !fieldConfig?.defaults.unit || !targets?.length,
    );
    expect(silent.map(({ title }) => title)).toEqual([]);
  });

  it('uses no variable that it does not define', () => {
    const defined = board.templating.list.map(({ name }) => name);
    const used = board.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => variablesIn(expr)));
    expect(used.filter((name) => !defined.includes(name))).toEqual([]);
  });

  it('fills its variables from metrics that are there', () => {
    for (const { query } of board.templating.list) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? [];
      expect(faultsOf(`sum by (${label}) (${substituted(selector)})`)).toEqual([]);
    }
  });
});

describe('every query', () => {
  it.each(queries)('is answered by Prometheus, of metrics and labels that are there: $where', async ({ expr }) => {
    await observed.prometheus.query(substituted(expr));
    expect(faultsOf(substituted(expr))).toEqual([]);
  });

  it('of the alerts is too', async () => {
    const faulty = (await alertRules()).flatMap(({ alert, expr }) => faultsOf(expr).map((fault) => `${alert}: ${fault}`));
    expect(faulty).toEqual([]);
    await eventually(async () => (await observed.prometheus.faultyRules()).length === 0, { within: 20_000 });
  });

  it('would be caught if it named what is not there', () => {
    expect(faultsOf('sum by (colour) (rate(slipway_bilds_total{outcome="built"}[5m])) / on (service) up')).toEqual([
      'no metric slipway_bilds_total',
      'no label colour',
      'no label outcome',
    ]);
  });
});

describe('docs/metrics.md', () => {
  it('tells of every metric (UPDATE_DOCS=1 writes it)', async () => {
    const page = metricsPage([...observed.declared.values()]);
    if (process.env['UPDATE_DOCS'] === '1') await writeFile(metricsFile, page);
    expect(await readFile(metricsFile, 'utf8')).toBe(page);
  });
});

describe('while a release goes its way', () => {
  it('shows that it waits for sign-off', async () => {
    await observed.suite.apply();
    await observed.aReleaseIsBorn();
    await observed.suite.stage.hears(ApprovalRequested, undefined, 60_000);
    await eventually(async () => (await shows('slipway-overview', 'Sign-offs awaited')) === 1, { within: 20_000 });
    await eventually(async () => (await shows('slipway-overview', 'Releases under way')) === 1, { within: 20_000 });
    expect(await shows('slipway-overview', 'Releases stuck')).toBe(0);
    expect(await shows('slipway-overview', 'Services ready')).toBe(services.length);
    expect(await shows('slipway-overview', 'Change failure rate')).toBeNaN();
  }, 90_000);

  it('shows what reached production, and how fast', async () => {
    const { suite, prometheus } = observed;
    await suite.repository.commit('two');
    await suite.apply({ environments: byPolicy });
    await suite.stage.hears(RolloutSucceeded, (data) => data.environment === 'production', 90_000);
    await eventually(async () => (await shows('slipway-overview', 'Deployments a day')) > 0, { within: 20_000 });
    expect(await shows('slipway-overview', 'Lead time for changes')).toBeGreaterThan(0);
    expect(await shows('slipway-overview', 'Change failure rate')).toBe(0);
    expect(await shows('slipway-flow', 'Slowest events')).toBeGreaterThan(0);
    expect(await prometheus.number('max(slipway_rollouts_total{stage="production",outcome="succeeded"})')).toBeGreaterThan(0);
    expect(await prometheus.number('sum(slipway_builds_total{outcome="built"})')).toBeGreaterThan(0);
    expect(await prometheus.number('sum(slipway_dead_letters_open)')).toBe(0);
  }, 150_000);
});

function overlap({ gridPos: one }: Panel, { gridPos: other }: Panel): boolean {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}
