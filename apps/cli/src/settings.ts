import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { Misused } from './exit.js';
import { privateText, writePrivate } from './private-files.js';
import type { Surroundings } from './surroundings.js';

/** Options every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly quiet?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
  /** False with `--no-input`. */
  readonly input?: boolean;
}

/** A setting and where it was found: what doctor shows. */
export interface Found {
  readonly value: string;
  readonly from: string;
}

const defaultUrl = 'http://localhost:8080';
const ConfigFile = z.strictObject({ url: z.url({ protocol: /^https?$/ }).optional(), 'token-file': z.string().min(1).optional() });
/** Tokens by the origin they are for: one gateway's token is never sent to another. */
const Credentials = z.record(z.url({ protocol: /^https?$/ }), z.string().min(1));

/** The person's own folder for us (XDG Base Directory). */
export function configFolder({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  return folder(env['XDG_CONFIG_HOME'], join(home, '.config'));
}

/** Where we remember what we saw, the heads of audit chains above all. */
export function stateFolder({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  return folder(env['XDG_STATE_HOME'], join(home, '.local', 'state'));
}

// The specification says to ignore a path that is not absolute.
const folder = (given: string | undefined, standard: string): string => join(given && isAbsolute(given) ? given : standard, 'slipway');

export const configFile = (around: Pick<Surroundings, 'env' | 'home'>): string => join(configFolder(around), 'config.yaml');
export const credentialsFile = (around: Pick<Surroundings, 'env' | 'home'>): string => join(configFolder(around), 'credentials.json');

/** Where the gateway is: `--url`, else SLIPWAY_URL, else the config file, else this machine. */
export async function findUrl(options: GlobalOptions, around: Surroundings): Promise<Found> {
  const file = configFile(around);
  if (options.url !== undefined) return { value: origin(options.url, '--url'), from: '--url' };
  if (around.env['SLIPWAY_URL']) return { value: origin(around.env['SLIPWAY_URL'], 'SLIPWAY_URL'), from: 'SLIPWAY_URL' };
  const { url } = await readConfig(file);
  return url === undefined ? { value: defaultUrl, from: 'the default' } : { value: origin(url, file), from: file };
}

/** The token: `--token-file`, else SLIPWAY_TOKEN_FILE, else the config file's, else what `login` kept for this gateway. */
export async function findToken(options: GlobalOptions, around: Surroundings, url: string): Promise<Found | undefined> {
  const named = await tokenFile(options, around);
  if (named !== undefined) return { value: await tokenIn(named), from: named };
  const file = credentialsFile(around);
  const value = (await readCredentials(file))[url];
  return value === undefined ? undefined : { value, from: file };
}

async function tokenIn(file: string): Promise<string> {
  const text = await privateText(file, 'a token').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Misused(`${file}: there is no such file; the token should be in it. Make one with: slipway token new --out ${file}`);
    throw error;
  });
  if (text.trim() === '') throw new Misused(`${file} is empty; the token should be in it`);
  return text.trim();
}

async function tokenFile(options: GlobalOptions, around: Surroundings): Promise<string | undefined> {
  if (options.tokenFile !== undefined) return options.tokenFile;
  if (around.env['SLIPWAY_TOKEN_FILE']) return around.env['SLIPWAY_TOKEN_FILE'];
  return (await readConfig(configFile(around)))['token-file'];
}

/** Keeps a token for a gateway, readable by this person only, and makes that gateway the usual one. */
export async function keepToken(around: Surroundings, url: string, token: string): Promise<string> {
  const file = credentialsFile(around);
  await writePrivate(file, `${JSON.stringify({ ...(await readCredentials(file)), [url]: token }, null, 2)}\n`);
  const config = configFile(around);
  const document = parseDocument((await textIn(config)) ?? '');
  document.set('url', url);
  await writePrivate(config, document.toString());
  return file;
}

/** Forgets the token for a gateway. @returns whether there was one. */
export async function forgetToken(around: Surroundings, url: string): Promise<boolean> {
  const file = credentialsFile(around);
  const { [url]: forgotten, ...others } = await readCredentials(file);
  if (forgotten !== undefined) await writePrivate(file, `${JSON.stringify(others, null, 2)}\n`);
  return forgotten !== undefined;
}

/** The origin of an address: what the gateway's routes are put behind. @throws Misused naming where the address came from. */
export function origin(text: string, from: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Misused(`${from}: ${JSON.stringify(text)} is no address of a gateway; write one like https://slipway.example`);
  if (url.username !== '' || url.password !== '')
    throw new Misused(`${from}: leave user and password out of the address; log in with: slipway login`);
  return url.origin;
}

async function readConfig(file: string): Promise<z.infer<typeof ConfigFile>> {
  const text = await textIn(file);
  if (text === undefined) return {};
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong) throw new Misused(`${file}: ${wrong.message}`);
  const parsed = ConfigFile.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw new Misused(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function readCredentials(file: string): Promise<Record<string, string>> {
  const text = await privateText(file, 'tokens').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return Credentials.parse(JSON.parse(text));
  } catch {
    // Neither parser's message is shown: it would quote the tokens.
    throw new Misused(`${file} is not what login writes; remove it and log in again: slipway login`);
  }
}

async function textIn(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
