import { createHmac } from 'node:crypto';
import { readSecretFile } from '@slipway/identity';
import { Hook, Refused } from '../ports.js';

export interface HookOptions {
  /** Where events are posted; unset: the webhook is off. */
  readonly url: string | undefined;
  /** The shared secret, in a file only we can read: `whsec_` and base64, as the Standard Webhooks specification writes it, or any text. */
  readonly secretFile: string | undefined;
}

const timeoutMs = 10_000;

/** {@link Hook} by HTTP POST, signed as the Standard Webhooks specification says (headers webhook-id, webhook-timestamp, webhook-signature). */
export class SignedHook extends Hook {
  constructor(private readonly options: HookOptions) {
    super();
  }

  get isOn(): boolean {
    return this.options.url !== undefined;
  }

  /** Without what a url may hide in its query. */
  get to(): string {
    const { origin, pathname } = new URL(this.options.url ?? 'http://nowhere');
    return `${origin}${pathname}`.slice(0, 400);
  }

  async post({ id, body, signal }: Parameters<Hook['post']>[0]): Promise<void> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const response = await fetch(this.options.url ?? '', {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': await this.signature(`${id}.${timestamp}.${body}`),
      },
    });
    await response.body?.cancel();
    if (response.status === 410) throw new Refused('the receiver wants no more of these (410)');
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  }

  private async signature(content: string): Promise<string> {
    if (this.options.secretFile === undefined) throw new Error('SLIPWAY_WEBHOOK_SECRET_FILE is not set: nothing is posted unsigned');
    const secret = (await readSecretFile(this.options.secretFile)).toString('utf8').trim();
    const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret, 'utf8');
    return `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`;
  }
}
