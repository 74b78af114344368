import type pg from 'pg';
import { identifier } from './names.js';
import { type ConnectionOptions, ReservedConnection } from './reserved-connection.js';

const reconnectMs = { first: 200, most: 10_000 };
const aliveMs = 20_000;

/**
 * LISTEN and NOTIFY on one connection of its own (design part 4 "How"). Never inside a business transaction, where NOTIFY halves commit
 * throughput; many calls within `debounceMs` become one. A notification is a hint that something changed: it may be lost, so whoever waits
 * for one polls as well, and after a reconnect every listener is called once because it may have missed something.
 */
export class NotifyListener {
  private readonly connection: ReservedConnection;
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly pending = new Set<string>();
  private flushing: NodeJS.Timeout | undefined;
  private retrying: NodeJS.Timeout | undefined;
  private alive: NodeJS.Timeout | undefined;
  private failures = 0;
  private closed = false;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly debounceMs = 10,
  ) {
    this.connection = new ReservedConnection({ ...options, applicationName: `${options.applicationName} notify` });
    this.connection.onLost(() => this.reconnectLater());
  }

  /** Calls `listener` after something was said on the channel by another replica or this one. Returns what ends it. */
  listen(channel: string, listener: () => void): () => void {
    const known = this.listeners.get(channel);
    if (known) known.add(listener);
    else this.listeners.set(channel, new Set([listener]));
    if (!known) void this.subscribe([channel]);
    return () => this.listeners.get(channel)?.delete(listener);
  }

  /** Says that something changed: to listeners of this process soon, to those of other replicas by one debounced NOTIFY. Never fails. */
  notify(channel: string): void {
    if (this.closed) return;
    this.pending.add(channel);
    this.flushing ??= setTimeout(() => void this.flush(), this.debounceMs);
  }

  /** Says what is still to be said, then closes. */
  async close(): Promise<void> {
    if (this.flushing) await this.flush();
    this.closed = true;
    for (const timer of [this.flushing, this.retrying, this.alive]) clearTimeout(timer);
    this.listeners.clear();
    await this.connection.close();
  }

  private async flush(): Promise<void> {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    const channels = [...this.pending];
    this.pending.clear();
    for (const channel of channels) this.tell(channel);
    const names = channels.map((channel) => this.wireName(channel));
    await this.connection.query("select pg_notify(name, '') from unnest($1::text[]) as name", [names], 2_000).catch(() => undefined);
  }

  private tell(channel: string): void {
    for (const listener of [...(this.listeners.get(channel) ?? [])]) listener();
  }

  private async subscribe(channels: string[]): Promise<void> {
    try {
      const client = await this.connection.session();
      if (!client.listenerCount('notification')) client.on('notification', (message) => this.received(client, message));
      for (const channel of channels) await this.connection.query(`listen ${this.wireName(channel)}`);
      this.failures = 0;
      this.alive ??= setInterval(() => void this.connection.query('select 1').catch(() => undefined), aliveMs).unref();
      for (const channel of channels) this.tell(channel);
    } catch {
      this.reconnectLater();
    }
  }

  private received(client: pg.Client, message: pg.Notification): void {
    if (message.processId === (client as unknown as { processID: number }).processID) return; // we told our own at once
    for (const channel of this.listeners.keys()) if (this.wireName(channel) === message.channel) this.tell(channel);
  }

  private reconnectLater(): void {
    if (this.closed || this.retrying || this.listeners.size === 0) return;
    const waitMs = Math.min(reconnectMs.most, reconnectMs.first * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    this.retrying = setTimeout(() => {
      this.retrying = undefined;
      void this.subscribe([...this.listeners.keys()]);
    }, waitMs).unref();
  }

  /** Channels are shared by the whole database, so the schema is part of the name. */
  private wireName(channel: string): string {
    return identifier(`${this.options.schema}_${channel}`);
  }
}
