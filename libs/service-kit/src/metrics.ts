import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * A service's own registry with the metrics of its process; never prom-client's global one, so that several services fit one process.
 * Which service it is says the label of the target (file_sd), as Prometheus wants it.
 */
export function createRegistry(): Registry {
  const registry = new Registry();
  // The default precision of 10 ms wakes an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  return registry;
}

/** 1 while the service is ready, asked anew at every scrape; what it waits for is told by /health/ready. */
export function readyGauge(registry: Registry, isReady: () => Promise<boolean>): void {
  new Gauge({
    name: 'slipway_service_ready',
    help: 'Whether the service is ready to work (1) or waits for a part (0)',
    registers: [registry],
    async collect() {
      this.set((await isReady()) ? 1 : 0);
    },
  });
}

/** How long HTTP requests take, by route pattern, never by address. */
export function requestDurations(registry: Registry): Histogram<'method' | 'route' | 'code'> {
  return new Histogram({
    name: 'slipway_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'code'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
}
