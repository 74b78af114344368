import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const deploy = join(import.meta.dirname, '../../deploy');

export const prometheusFolder = join(deploy, 'prometheus');
export const grafanaFolder = join(deploy, 'grafana');

const AlertRule = z.object({
  alert: z.string(),
  expr: z.string(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
});
export type AlertRule = z.infer<typeof AlertRule>;

/** The alert rules as shipped. */
export async function alertRules(): Promise<AlertRule[]> {
  const file = z.object({ groups: z.array(z.object({ rules: z.array(AlertRule) })) });
  const { groups } = file.parse(parse(await readFile(join(prometheusFolder, 'slipway.rules.yml'), 'utf8')));
  return groups.flatMap(({ rules }) => rules);
}

const DataSource = z.strictObject({ type: z.literal('prometheus'), uid: z.string() });
const Target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource: DataSource,
  expr: z.string().min(1),
  legendFormat: z.string(),
  instant: z.boolean().optional(),
  range: z.boolean().optional(),
  format: z.literal('table').optional(),
});
const Panel = z.looseObject({
  id: z.int().positive(),
  title: z.string().min(1),
  type: z.enum(['stat', 'timeseries', 'table', 'row', 'bargauge']),
  description: z.string().optional(),
  gridPos: z.strictObject({ h: z.int().positive(), w: z.int().min(1).max(24), x: z.int().min(0).max(23), y: z.int().min(0) }),
  datasource: DataSource.optional(),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string().optional() }), overrides: z.array(z.unknown()) }).optional(),
  targets: z.array(Target).optional(),
});
const Variable = z.looseObject({
  name: z.string(),
  type: z.literal('query'),
  datasource: DataSource,
  query: z.strictObject({ query: z.string(), refId: z.string() }),
  allValue: z.string(),
});

/** What our tests, and Grafana's provisioning, rely on in a dashboard; Grafana adds more when it is saved from its page. */
export const Dashboard = z.looseObject({
  uid: z.string().regex(/^slipway-[a-z]+$/),
  title: z.string(),
  schemaVersion: z.int().min(39),
  // Only a dashboard without an id can be provisioned: ids are the installation's own.
  id: z.null(),
  editable: z.boolean(),
  refresh: z.string(),
  tags: z.array(z.string()),
  time: z.object({ from: z.string(), to: z.string() }),
  templating: z.object({ list: z.array(Variable) }),
  panels: z.array(Panel).min(1),
});
export type Dashboard = z.infer<typeof Dashboard>;
export type Panel = z.infer<typeof Panel>;

/** The names of the dashboard files. */
export async function dashboardFiles(): Promise<string[]> {
  return (await readdir(join(grafanaFolder, 'dashboards'))).filter((name) => name.endsWith('.json')).sort();
}

export async function readDashboard(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(grafanaFolder, 'dashboards', file), 'utf8'));
}
