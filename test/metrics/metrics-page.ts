import { join } from 'node:path';
import { services } from '@slipway/contracts';
import type { Declared } from './an-observed-suite.ts';

export const metricsFile = join(import.meta.dirname, '../../docs/metrics.md');

/** The page on metrics, from what the services declare. */
export function metricsPage(declared: readonly Declared[]): string {
  const ours = declared.filter(({ name }) => name.startsWith('slipway_'));
  const everywhere = ours.filter((metric) => metric.services.length === services.length);
  return [
    '# Metrics',
    '',
    'Every service answers `/metrics`; Prometheus finds all replicas by the files in `prometheus/` of the data folder (`deploy/prometheus` has configuration and',
    'alert rules, `deploy/grafana` the dashboards). Seconds, bytes and ratios from 0 to 1; counters end in `_total`. No release, revision or person is a label.',
    'Every series has the labels `job` (`slipway`), `service` and `instance` of its target. Gauges of what lies in tables are the same in every replica: take `max`.',
    'The usual `process_*` and `nodejs_*` metrics are there too. This page is made from the services by `test/metrics`.',
    '',
    '## Of every service',
    '',
    ...table(everywhere),
    ...services.flatMap((service) => {
      const own = ours.filter((metric) => !everywhere.includes(metric) && metric.services.includes(service));
      return own.length === 0 ? [] : ['', `## Of ${service}`, '', ...table(own)];
    }),
    '',
  ].join('\n');
}

function table(metrics: readonly Declared[]): string[] {
  const sorted = [...metrics].sort((one, other) => (one.name < other.name ? -1 : 1));
  const row = ({ name, type, labels, help }: Declared) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  return ['| metric | type | labels | |', '|---|---|---|---|', ...sorted.map(row)];
}
