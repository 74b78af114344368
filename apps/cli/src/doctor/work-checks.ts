import { oneLine } from '../output.js';
import { span } from '../showing.js';
import { type Finding, failed, warning } from './finding.js';
import { ask } from './gateway-checks.js';
import type { Place } from './service-checks.js';

/** The most of a service's /metrics that is read. */
const mostMetrics = 2 * 1024 * 1024;

interface Rule {
  readonly metric: string;
  /** Of the series of the metric, those with these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly above: number;
  readonly say: (service: string, value: number, labels: Readonly<Record<string, string>>) => Finding;
}

/** What a service says of its own work by its metrics: the same figures, and the same limits, that raise the alarms of deploy/prometheus. */
const rules: readonly Rule[] = [
  {
    metric: 'slipway_outbox_age_seconds',
    above: 60,
    say: (service, value) =>
      failed(
        `${service} says`,
        `what it says does not reach Kafka since ${span(value)}`,
        'is Kafka there, and may it write to its topics? Its log says more',
      ),
  },
  {
    metric: 'slipway_operation_overdue_seconds',
    above: 300,
    say: (service, value, { kind = '' }) =>
      failed(
        `${service} works`,
        `work of kind ${kind} waits for a worker since ${span(value)}`,
        'all workers are busy, or each try fails: its log says which',
      ),
  },
  {
    metric: 'slipway_operations',
    labels: { state: 'exhausted' },
    above: 0,
    say: (service, value, { kind = '' }) =>
      warning(
        `${service} works`,
        `it gave up ${value} of kind ${kind}`,
        'what belongs to a release is told in its timeline; its log holds the last error',
      ),
  },
  {
    metric: 'slipway_part_away_seconds',
    above: 60,
    say: (service, value, { part = '' }) =>
      part === 'approval'
        ? failed(
            `${service} works`,
            `it waits for approval to hear what runs since ${span(value)}`,
            'what approval could not take is among its dead letters: slipway dead-letters list',
          )
        : failed(
            `${service} works`,
            `it waits for the ${part} since ${span(value)}`,
            `bring the ${part} back; what waits goes on by itself`,
          ),
  },
  {
    metric: 'slipway_handoff_age_seconds',
    above: 600,
    say: (service, value) =>
      warning(
        `${service} hears`,
        `somebody has owed it an answer for ${span(value)}`,
        'a stuck release says who; else look which service is not ready',
      ),
  },
  {
    metric: 'slipway_events_parked',
    above: 0,
    say: (service, value) =>
      warning(
        `${service} hears`,
        `it has put ${value} events aside`,
        'they are newer than it, or wait for what comes first: bring its newer version, or wait; its log names them',
      ),
  },
];

/** What keeps services from their work, as they say themselves. One that does not answer is told of elsewhere. */
export async function checkWork(places: readonly Place[]): Promise<Finding[]> {
  const found = await Promise.all(places.map(findingsOf));
  // Replicas of a service share its tables, and say the same.
  const seen = new Set<string>();
  return found.flat().filter(({ check, message }) => !seen.has(`${check} ${message}`) && seen.add(`${check} ${message}`));
}

async function findingsOf({ service, address }: Place): Promise<Finding[]> {
  const answered = await ask(`http://${address}/metrics`, mostMetrics);
  if ('failure' in answered || answered.status !== 200) return [];
  const series = answered.text.split('\n').flatMap((line) => seriesIn(line) ?? []);
  return rules.flatMap(({ metric, labels = {}, above, say }) =>
    series
      .filter(
        (each) =>
          each.metric === metric && each.value > above && Object.entries(labels).every(([name, value]) => each.labels[name] === value),
      )
      .map((each) => say(oneLine(service, 40), each.value, each.labels)),
  );
}

/** A line of Prometheus' text format: `name{label="value"} 1`. */
function seriesIn(line: string): { metric: string; labels: Record<string, string>; value: number } | undefined {
  const [, metric, within = '', value] = /^(slipway_\w+)(?:\{([^}]*)\})? (\S+)/.exec(line) ?? [];
  if (metric === undefined) return undefined;
  const labels = Object.fromEntries([...within.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, oneLine(text, 80)]));
  return { metric, labels, value: Number(value) };
}
