import { CommitDetected, type Service } from '@slipway/contracts';
import { GatewayModule } from '@slipway/gateway';
import { NotifierModule } from '@slipway/notifier';
import { type Booted, Registry } from '@slipway/service-kit';
import { aRelease } from '@slipway/testkit';
import { aStage } from '@slipway/testkit/stage';
import { aSuite, type Suite } from '../e2e/a-suite.js';
import { Prometheus } from './a-prometheus.ts';

/** A metric family as the services declare it. */
export interface Declared {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Besides those of its target. */
  readonly labels: readonly string[];
  readonly services: readonly string[];
}

/** All services, booted for real, and a Prometheus that scrapes them. */
export interface ObservedSuite {
  readonly suite: Suite;
  /** Tells the gateway of a release. It and the notifier live in a place of their own: in the suite's the stage speaks and hears for them. */
  aReleaseIsBorn(): Promise<void>;
  readonly prometheus: Prometheus;
  /** By name. */
  readonly declared: ReadonlyMap<string, Declared>;
  clear(): Promise<void>;
}

/** `ports`: as in {@link aSuite}. */
export async function anObservedSuite(ports: string): Promise<ObservedSuite> {
  const suite = await aSuite({ ports });
  const front = await aStage({ ear: 'approval' });
  const { dir } = suite.stage.keys;
  const seenByPrometheus = (service: Service) => ({ SLIPWAY_DATA_DIR: dir, SLIPWAY_KEY_FILE: front.keys.keyFiles[service] ?? '' });
  const gateway = await front.start(GatewayModule, seenByPrometheus('gateway'));
  const notifier = await front.start(NotifierModule, seenByPrometheus('notifier'));
  const prometheus = await Prometheus.start(dir);
  return {
    suite,
    aReleaseIsBorn: async () => {
      const release = aRelease();
      const data = {
        release,
        projectVersion: 1,
        range: { from: null, commits: [], total: 1 },
        people: [],
        pusher: null,
        repositoryFile: null,
        image: null,
      };
      await front.say('source-watcher', CommitDetected, {
        subject: release.id,
        data: { ...data, trigger: { kind: 'poll', person: null } },
      });
    },
    prometheus,
    declared: await metricsOf([...suite.services, gateway, notifier]),
    clear: async () => {
      await prometheus.stop();
      await front.clear();
      await suite.clear();
    },
  };
}

async function metricsOf(services: readonly Booted[]): Promise<Map<string, Declared>> {
  const found = new Map<string, Declared>();
  for (const { app, service } of services) {
    const registry = app.get<Registry>(Registry);
    const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
    for (const metric of registry.getMetricsAsArray() as unknown as { name: string; help: string; labelNames?: string[] }[]) {
      const { name, help, labelNames: labels = [] } = metric;
      const others = found.get(name)?.services ?? [];
      found.set(name, { name, help, labels, type: types.get(name) ?? '', services: [...others, service].sort() });
    }
  }
  return found;
}
