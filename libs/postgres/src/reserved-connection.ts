import pg from 'pg';

export interface ConnectionOptions {
  url: string;
  schema: string;
  applicationName: string;
  /** Asked about each new session; one that it throws at is not used. */
  admit?: (client: pg.ClientBase) => Promise<void>;
}

/**
 * One connection of our own outside the pool, for what must go on while the pool is busy or the session itself is what matters: lease
 * renewals, session advisory locks, LISTEN. It is made at the first use and made anew at the next use after it was lost.
 */
export class ReservedConnection {
  private client: Promise<pg.Client> | undefined;
  private answered: Promise<unknown> = Promise.resolve();
  private closed = false;
  private readonly lostListeners = new Set<(error: Error) => void>();

  constructor(private readonly options: ConnectionOptions) {}

  /** Calls back each time the session ends for whatever reason, `close` included: whatever the session held is gone. */
  onLost(listener: (error: Error) => void): () => void {
    this.lostListeners.add(listener);
    return () => this.lostListeners.delete(listener);
  }

  /**
   * Runs one statement within `timeoutMs`, connecting included. On a time-out the session is given up, for nobody knows what it holds, unless the statement
   * was not sent: then it never is, and a session that is still being made is there for the next one.
   */
  async query<T = Record<string, unknown>>(sql: string, params: unknown[] = [], timeoutMs = 5_000): Promise<T[]> {
    const mine = this.current();
    let timer: NodeJS.Timeout | undefined;
    let [isLate, isSent] = [false, false];
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        reject(new Error(`Query read timeout: no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      timer.unref();
    });
    try {
      const answer = Promise.all([mine, this.answered]).then(([client]) => {
        if (isLate) return late;
        isSent = true;
        return client.query(sql, params);
      });
      this.answered = answer.catch(() => undefined); // one connection does one at a time
      return (await Promise.race([answer, late])).rows as T[];
    } catch (error) {
      if (isLate && isSent) this.giveUp(mine, error as Error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The pg client itself, for LISTEN. */
  async session(): Promise<pg.Client> {
    return await this.current();
  }

  async close(): Promise<void> {
    this.closed = true;
    const mine = this.client;
    if (mine) this.giveUp(mine, new Error('The client has been closed'));
    await mine?.then((client) => client.end()).catch(() => undefined);
  }

  private current(): Promise<pg.Client> {
    if (this.closed) throw new Error('The client has been closed');
    this.client ??= this.open();
    return this.client;
  }

  private open(): Promise<pg.Client> {
    const { url, schema, applicationName, admit } = this.options;
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      statement_timeout: 15_000,
      options: `-c search_path=${schema}`,
    });
    const mine = client
      .connect()
      .then(() => admit?.(client))
      .then(() => client);
    const forget = (error: Error) => this.giveUp(mine, error);
    client.on('error', forget); // without it a restart of the server would end the process
    client.on('end', () => forget(new Error('Connection terminated')));
    mine.catch((error) => {
      forget(error);
      void client.end().catch(() => undefined);
    });
    return mine;
  }

  private giveUp(session: Promise<pg.Client>, error: Error): void {
    if (this.client !== session) return;
    this.client = undefined;
    void session.then((client) => client.end()).catch(() => undefined);
    for (const listener of [...this.lostListeners]) listener(error);
  }
}
