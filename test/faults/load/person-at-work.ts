import { type ApiClient, ApiError } from '@slipway/api';
import { pause } from '../../../tools/parts/until.ts';
import type { LoadLog } from '../../history/load-log.ts';
import type { Person } from '../a-suite-of-processes.js';
import { Gateways } from './gateways.ts';

const tries = 8;
const pauseMs = 1_500;

/** Somebody who asks for things at any gateway, again where it does not answer, and writes down what came of each try. */
export class PersonAtWork {
  readonly name: string;
  private readonly gateways: Gateways;

  constructor(
    person: Person,
    urls: readonly string[],
    private readonly log: LoadLog,
  ) {
    this.name = person.name;
    this.gateways = new Gateways(urls, person.token);
  }

  /** Gives whether it was taken, as far as this person was told. */
  async signs(request: string, decision: 'approve' | 'reject', comment: string): Promise<boolean> {
    const ask = (api: ApiClient) => api.signOff({ params: { id: request }, body: { decision, comment } });
    return await this.asks(ask, (answer) => this.log.signedOff({ request, person: this.name, decision, ...answer }));
  }

  async commands(action: string, about: string, ask: (api: ApiClient) => Promise<unknown>): Promise<boolean> {
    return await this.asks(ask, (answer) => this.log.commanded({ action, about, person: this.name, ...answer }));
  }

  private async asks(
    ask: (api: ApiClient) => Promise<unknown>,
    keep: (answer: { asked: string; status: number; answer: string }) => void,
  ): Promise<boolean> {
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const asked = new Date().toISOString();
      const came = await this.gateways.call(ask).then(
        (answer) => ({ status: 200, answer: JSON.stringify(answer) }),
        (error: unknown) => ({ status: error instanceof ApiError ? error.problem.status : 0, answer: String(error) }),
      );
      keep({ asked, ...came });
      if (came.status === 200) return true;
      if (came.status >= 400 && came.status < 500 && came.status !== 429) return false;
      await pause(pauseMs);
    }
    return false;
  }
}
