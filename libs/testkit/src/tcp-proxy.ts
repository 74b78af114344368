import { connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A port, or a unix socket by its path. */
type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Stands between a client and a server and breaks the network in the ways networks break. `cut` resets what is open; `refuse` does that and
 * turns new connections away until `restore`; `pause` holds every byte back until `resume`; `blackHole` swallows them for good, without a word.
 */
export class TcpProxy {
  private readonly pairs = new Set<Pair>();
  private mode: 'pass' | 'pause' | 'black-hole' | 'refuse' = 'pass';
  /** Connections turned away so far. */
  refused = 0;
  private snare: { readonly sent: RegExp } | undefined;
  private readonly watchers = new Set<(sent: string) => void>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly target: Target,
  ) {
    server.on('connection', (near) => this.accept(near));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async to(target: Target): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return new TcpProxy(server, (server.address() as { port: number }).port, target);
  }

  /** In front of what a URL names; `through` is that URL by way of the proxy. */
  static async before(url: string): Promise<{ proxy: TcpProxy; through: string }> {
    const { hostname, port, protocol } = new URL(url);
    const proxy = await TcpProxy.to({ host: hostname, port: Number(port || (protocol.startsWith('postgres') ? 5432 : 80)) });
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(proxy.port);
    return { proxy, through: through.href };
  }

  /** Connections open through it now. */
  get open(): number {
    return this.pairs.size;
  }

  /** Resets every open connection. New ones go through. */
  cut(): void {
    for (const pair of [...this.pairs]) this.end(pair);
  }

  /** Resets every open connection and each new one, until `restore`. */
  refuse(): void {
    this.mode = 'refuse';
    this.cut();
  }

  /** Nothing gets through until `resume`; nothing is lost. */
  pause(): void {
    this.mode = 'pause';
    for (const { near, far } of this.pairs) for (const socket of [near, far]) socket.pause();
  }

  /** From now on all bytes vanish, on open and new connections. One on which any did never recovers, as where a firewall forgot it. */
  blackHole(): void {
    this.mode = 'black-hole';
  }

  resume(): void {
    this.mode = 'pass';
    for (const { near, far } of this.pairs) for (const socket of [near, far]) socket.resume();
  }

  /** New connections go through again. */
  restore(): void {
    this.resume();
  }

  /** Once: lets what the client sends and `sent` matches reach the server, and cuts that connection instead of passing on the reply. */
  cutReplyTo(sent: RegExp): void {
    this.snare = { sent };
  }

  /** Resolves as soon as a client has sent something that matches, within one chunk and before it is passed on. */
  sees(sent: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (chunk: string): void => {
        if (!sent.test(chunk)) return;
        this.watchers.delete(watcher);
        resolve();
      };
      this.watchers.add(watcher);
    });
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(near: Socket): void {
    near.on('error', () => undefined);
    if (this.mode === 'refuse') {
      this.refused++;
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target);
    const pair = { near, far };
    this.pairs.add(pair);
    let snared = false;
    let swallowed = false;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => this.end(pair));
      from.on('close', () => this.end(pair));
      from.on('data', (chunk) => {
        if (this.mode === 'black-hole') swallowed = true;
        if (swallowed) return;
        if (from === near) for (const watcher of this.watchers) watcher(chunk.toString('latin1'));
        if (from === near && this.snare?.sent.test(chunk.toString('latin1'))) {
          this.snare = undefined;
          snared = true;
        } else if (from === far && snared) {
          this.end(pair);
          return;
        }
        to.write(chunk);
      });
      if (this.mode === 'pause') from.pause();
      else from.resume();
    }
  }

  private end(pair: Pair): void {
    if (!this.pairs.delete(pair)) return;
    pair.near.resetAndDestroy();
    // A unix socket knows no reset.
    if ('path' in this.target) pair.far.destroy();
    else pair.far.resetAndDestroy();
  }
}
