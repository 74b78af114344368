import { RegistryRefused, RegistryUntrusted } from './errors.js';

/** User and password (or access token) for one registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** How a registry wants to be asked, from its `WWW-Authenticate` header. */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads a `WWW-Authenticate` header (RFC 9110 11.6.1); `undefined` for schemes we don't speak. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const [, scheme = '', rest = ''] = /^\s*(basic|bearer)(?:\s+(.*))?$/is.exec(header ?? '') ?? [];
  if (scheme === '') return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of rest.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/gi))
    parameters[name.toLowerCase()] = quoted ?? plain ?? '';
  return { scheme: scheme.toLowerCase() as Challenge['scheme'], parameters };
}

/** The header for Basic. */
export function basic(credentials: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

interface TokenAnswer {
  token?: unknown;
  access_token?: unknown;
  expires_in?: unknown;
}

/** Tokens by scope, each kept until shortly before its end (the specification's default is 60 s). */
export class Tokens {
  private readonly kept = new Map<string, { value: string; until: number }>();

  /** The token for a scope, if one is still good. */
  get(scope: string): string | undefined {
    const found = this.kept.get(scope);
    return found && found.until > performance.now() ? found.value : undefined;
  }

  drop(scope: string): void {
    this.kept.delete(scope);
  }

  /** Asks the realm of a challenge for a token. Credentials go only to https, or to where the registry itself is plain http. */
  async fetch(
    challenge: Challenge,
    scope: string,
    options: {
      credentials?: RegistryCredentials;
      insecure: boolean;
      send: (url: URL, headers: Record<string, string>) => Promise<Response>;
    },
  ): Promise<string> {
    const url = realm(challenge, options.insecure);
    if (challenge.parameters.service) url.searchParams.set('service', challenge.parameters.service);
    url.searchParams.set('scope', challenge.parameters.scope ?? scope);
    const response = await options.send(url, options.credentials ? { authorization: basic(options.credentials) } : {});
    if (!response.ok)
      throw new RegistryRefused(
        `${url.host} gave no token for ${scope} (HTTP ${response.status}); check the registry's credentials`,
        response.status,
      );
    const said = (await response.json()) as TokenAnswer;
    const value = typeof said.token === 'string' ? said.token : said.access_token;
    if (typeof value !== 'string') throw new RegistryUntrusted(`${url.host} answered without a token`);
    const seconds = typeof said.expires_in === 'number' ? said.expires_in : 60;
    this.kept.set(scope, { value, until: performance.now() + Math.max(0, seconds * 0.8) * 1000 });
    return value;
  }
}

function realm(challenge: Challenge, insecure: boolean): URL {
  const said = challenge.parameters.realm ?? '';
  if (!URL.canParse(said)) throw new RegistryUntrusted(`the registry names no usable token realm (${JSON.stringify(said.slice(0, 200))})`);
  const url = new URL(said);
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:'))
    throw new RegistryUntrusted(`the registry's token realm ${url.origin} is not https`);
  return url;
}
