import { GatewayModule } from '@slipway/gateway';
import { NotifierModule } from '@slipway/notifier';
import { type Booted, boot, Registry } from '@slipway/service-kit';
import { aDatabase, aTopicPrefix } from '@slipway/testkit';
import { aSuite, type Suite } from '../e2e/a-suite.js';
import { Prometheus } from './a-prometheus.ts';

/** All services, booted for real, and a Prometheus that scrapes them. */
export interface ObservedSuite {
  readonly suite: Suite;
  readonly prometheus: Prometheus;
  /** The labels each metric family may have, besides those of its target, as the services declare them. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
  clear(): Promise<void>;
}

/** `ports`: as in {@link aSuite}. */
export async function anObservedSuite(ports: string): Promise<ObservedSuite> {
  const suite = await aSuite({ ports });
  const gateway = await suite.stage.start(GatewayModule);
  // The stage hears with the ears of the notifier: the real one listens to topics of its own, and is there to be scraped.
  const database = await aDatabase();
  const environment = { ...suite.stage.environment, DATABASE_URL: database.url, SLIPWAY_TOPIC_PREFIX: aTopicPrefix() };
  const notifier = await boot(NotifierModule, { environment, ownsProcess: false });
  const prometheus = await Prometheus.start(suite.stage.keys.dir);
  return {
    suite,
    prometheus,
    labels: declaredLabels([...suite.services, gateway, notifier]),
    clear: async () => {
      await prometheus.stop();
      await notifier.stop();
      await suite.clear();
      await database.drop();
    },
  };
}

function declaredLabels(services: readonly Booted[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { app } of services) {
    for (const metric of app.get<Registry>(Registry).getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[]) {
      const labels = found.get(metric.name) ?? new Set<string>();
      for (const label of metric.labelNames ?? []) labels.add(label);
      found.set(metric.name, labels);
    }
  }
  return found;
}
