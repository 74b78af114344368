import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** Where a broker that calls itself so is really reached. */
export type Reach = (host: string, port: number) => { readonly host: string; readonly port: number };

/**
 * The sockets of one client of kafkajs. A connection can be gone without a word: a firewall that forgot it, a network that was away. kafkajs gives up what it
 * asked on it and asks again on the same; who leaves a socket where one answer did not come finds out with a new one, as Kafka's own clients do.
 */
export class KafkajsSockets {
  private readonly open = new Map<Socket, string>();

  constructor(private readonly reach: Reach = (host, port) => ({ host, port })) {}

  /** For kafkajs's configuration. */
  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const to = this.reach(host, port);
    const socket = ssl ? connectTls({ ...ssl, ...to, servername: isIP(host) ? undefined : host }, onConnect) : connect(to, onConnect);
    this.open.set(socket, `${host}:${port}`);
    socket.once('close', () => this.open.delete(socket));
    return socket.setKeepAlive(true, 60_000);
  };

  /** Leaves all sockets to a broker (`host:port`, as it calls itself). What was asked on them fails, and is asked again on new ones. */
  leave(broker: string): void {
    for (const [socket, at] of this.open) if (at === broker) socket.destroy(new Error(`${broker} gave no answer`));
  }
}
