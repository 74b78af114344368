import http from 'node:http';

/** What a run of requests came to. `versions` counts the answers by their body. */
export interface LoadReport {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly versions: Readonly<Record<string, number>>;
}

/** Clients that ask one address without a pause until they are stopped, half of them with kept-alive connections. */
export class Load {
  readonly #url: URL;
  readonly #agents: http.Agent[] = [];
  readonly #clients: Promise<void>[] = [];
  readonly #failures: string[] = [];
  readonly #versions: Record<string, number> = {};
  #requests = 0;
  #running = true;

  constructor(url: string, clients: { keepAlive: number; fresh: number }) {
    this.#url = new URL(url);
    for (let index = 0; index < clients.keepAlive + clients.fresh; index++) {
      const agent = new http.Agent({ keepAlive: index < clients.keepAlive, maxSockets: 1 });
      this.#agents.push(agent);
      this.#clients.push(this.#client(agent));
    }
  }

  /** Answers so far. */
  get requests(): number {
    return this.#requests;
  }

  get versions(): Readonly<Record<string, number>> {
    return { ...this.#versions };
  }

  async stop(): Promise<LoadReport> {
    this.#running = false;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
    return { requests: this.#requests, failures: this.#failures, versions: this.#versions };
  }

  async #client(agent: http.Agent): Promise<void> {
    while (this.#running) {
      try {
        const { status, body } = await this.#ask(agent);
        if (status === 200) this.#versions[body] = (this.#versions[body] ?? 0) + 1;
        else this.#failures.push(`HTTP ${status}`);
      } catch (error) {
        this.#failures.push(String(error));
      }
      this.#requests += 1;
    }
  }

  #ask(agent: http.Agent): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = http.get(this.#url, { agent, timeout: 10_000 }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
      request.on('error', reject);
    });
  }
}
