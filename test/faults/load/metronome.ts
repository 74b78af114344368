import { pause } from '../../../tools/parts/until.ts';
import type { SuiteOfProcesses } from '../a-suite-of-processes.js';
import { Gateways } from './gateways.ts';

const everyMs = 500;
/** A gateway holds a command for some seconds until its owner answers; more than these are not asked at once. */
const mostAtOnce = 16;

/**
 * Somebody who asks for something every half second: a command is told to every service, so that each of them has something to hear at any time. What is
 * asked for (to let an environment go that nobody holds) changes nothing.
 */
export class Metronome {
  private readonly gateways: Gateways;
  private readonly going = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    suite: SuiteOfProcesses,
    token: string,
    private readonly project: string,
  ) {
    const urls = suite.replicas.filter(({ service }) => service === 'gateway').map(({ url }) => url);
    this.gateways = new Gateways(urls, token);
  }

  start(): void {
    this.timer = setInterval(() => this.beat(), everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.going);
    await pause(0);
  }

  private beat(): void {
    if (this.going.size >= mostAtOnce) return;
    const params = { project: this.project, environment: 'test' };
    const asked = this.gateways.call((api) => api.unhold({ params, body: { reason: 'to be heard by every service' } }));
    // Where nobody answers, or it is refused because nobody holds it, the next one comes all the same.
    const one: Promise<void> = asked.then(
      () => this.over(one),
      () => this.over(one),
    );
    this.going.add(one);
  }

  private over(one: Promise<void>): void {
    this.going.delete(one);
  }
}
