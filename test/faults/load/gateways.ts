import { type ApiClient, apiClient } from '@slipway/api';
import { until } from '../../../tools/parts/until.ts';

/**
 * Somebody's way to any gateway: each call goes to the next replica, and where none answers, or one breaks, to the next again, as a person
 * presses the button once more.
 */
export class Gateways {
  private readonly clients: ApiClient[];
  private turn = 0;

  constructor(urls: readonly string[], token: string) {
    this.clients = urls.map((url) => apiClient({ url, token, timeoutMs: 10_000 }));
  }

  /** One call, once, to the next replica. */
  call<T>(ask: (api: ApiClient) => Promise<T>): Promise<T> {
    this.turn = (this.turn + 1) % this.clients.length;
    return ask(this.clients[this.turn] as ApiClient);
  }

  /**
   * Until it was taken, or `news` tell that it had been taken before, which nobody was told because whoever took it crashed. A refusal is met with the same
   * patience: the gateway may not have heard yet of what the person saw.
   * @throws Error when it was not taken in time.
   */
  async insist(what: string, ask: (api: ApiClient) => Promise<unknown>, news: Promise<unknown>): Promise<void> {
    let known = false;
    news.then(
      () => (known = true),
      () => (known = true),
    );
    await until(what, async () => known || (await this.call(ask).then(() => true)), { within: 90_000, every: 300 });
    await news;
  }
}
