import { Injectable } from '@nestjs/common';
import { hashToken } from '@slipway/identity';
import { ApiProblem } from '../api-problem.js';
import { type Bearer, Credentials } from '../ports.js';

/** What the doorman sees of a request. */
export interface Coming {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ip: string;
}

/** Failed attempts an address has in a minute before it is told to wait. */
const mostFailures = 30;
const windowMs = 60_000;
/** Addresses remembered; more come only from an attack, and then the oldest go. */
const mostAddresses = 10_000;

/** Knows people by their tokens. Whoever fails too often is told to wait; who comes with a good token never is. */
@Injectable()
export class Doorman {
  private readonly failures = new Map<string, { since: number; count: number }>();

  constructor(private readonly credentials: Credentials) {}

  /** Who comes. Throws 401, the same whether the token is missing, malformed, unknown, over or revoked; 429 after too many of these. */
  async bearer(request: Coming): Promise<Bearer> {
    const [, token = ''] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(String(request.headers['authorization'] ?? '')) ?? [];
    // Looked up whatever it is, so that the answer takes the same time.
    const found = await this.credentials.bearerOf(hashToken(token));
    if (found) return found;
    throw this.failed(
      request.ip,
      new ApiProblem(401, 'Come with a token that is good: authorization: Bearer slw_…', {
        code: 'no-token',
        headers: { 'www-authenticate': 'Bearer' },
      }),
    );
  }

  /** Counts a failure of this address: gives the problem, or a 429 in its place. */
  failed(address: string, problem: ApiProblem): ApiProblem {
    const now = Date.now();
    const known = this.failures.get(address);
    const entry = known && now - known.since < windowMs ? known : { since: now, count: 0 };
    entry.count++;
    this.failures.delete(address);
    this.failures.set(address, entry);
    if (this.failures.size > mostAddresses) this.failures.delete(this.failures.keys().next().value as string);
    if (entry.count <= mostFailures) return problem;
    const seconds = Math.ceil((entry.since + windowMs - now) / 1000);
    return new ApiProblem(429, `Too many failed attempts from your address; wait ${seconds} s.`, {
      code: 'too-many-attempts',
      headers: { 'retry-after': String(seconds) },
    });
  }
}
