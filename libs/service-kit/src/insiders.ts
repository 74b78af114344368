import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Said by a proxy in front of us, on this machine or another: who comes through it is not from here. */
const forwarding = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/**
 * Who may see metrics, and what a service waits for: who comes from this machine and through no proxy, and who brings the token of
 * SLIPWAY_METRICS_TOKEN_FILE, as Prometheus does with `authorization: {credentials_file: …}`.
 */
export class Insiders {
  /** Throws where the file of the token is empty. */
  constructor(private readonly token: string | undefined = undefined) {
    if (token === '') throw new Error('SLIPWAY_METRICS_TOKEN_FILE is empty: put a token into it, or do not set it.');
  }

  admits({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
    return this.brings(headers.authorization) || (isHere(socket) && !forwarding.some((name) => name in headers));
  }

  private brings(authorization: string | undefined): boolean {
    const [, given] = /^Bearer (\S{1,500})$/i.exec(authorization ?? '') ?? [];
    return this.token !== undefined && given !== undefined && timingSafeEqual(digest(given), digest(this.token));
  }
}

/** By the loopback address, or from this machine's own address to the same. */
function isHere({ remoteAddress, localAddress }: Socket): boolean {
  return remoteAddress !== undefined && (/^(::ffff:)?127\.|^::1$/.test(remoteAddress) || remoteAddress === localAddress);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
