import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import { keyFileIn, secretFolderOf, trustFileIn } from '@slipway/identity';
import { z } from 'zod';
import { type BaseConfig, baseSettings } from './settings.js';

/** An environment: `process.env`, or a plain object in tests and in one-process mode. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One environment variable, for the generated reference. */
export interface Setting {
  readonly name: string;
  readonly help: string;
  /** As one would write it in the environment; undefined where there is none. */
  readonly default: string | undefined;
  readonly required: boolean;
  /** Never logged; `<NAME>_FILE` may name a file that holds it. */
  readonly secret: boolean;
  readonly example: string | undefined;
}

/** The environment does not let the service start; the message names every bad variable and says what to do. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Reads the settings of a service. Throws ConfigurationError with all that is wrong at once. */
export function readConfiguration(service: Service, settings: z.ZodType | undefined, environment: Environment): BaseConfig {
  const parts = [baseSettings(service), ...(settings ? [settings] : [])];
  const known = parts.flatMap((part) => describeSettings(part));
  const faults: string[] = [];
  const values = valuesOf(known, environment, service, faults);
  const parsed: Record<string, unknown> = {};
  for (const part of parts) {
    const outcome = part.safeParse(values);
    if (outcome.success) Object.assign(parsed, outcome.data);
    else faults.push(...outcome.error.issues.map((issue) => faultOf(issue, known, values)));
  }
  if (faults.length > 0) throw new ConfigurationError(report(service, [...new Set(faults)]));
  const folder = String(parsed.SLIPWAY_DATA_DIR);
  parsed.SLIPWAY_KEY_FILE ??= keyFileIn(folder, service);
  parsed.SLIPWAY_TRUST_FILE ??= trustFileIn(folder);
  parsed.SLIPWAY_SECRETS_DIR = secretFolderOf(String(parsed.SLIPWAY_SECRETS_DIR ?? join(folder, 'secrets')), service);
  return parsed as BaseConfig;
}

/** The variables of a settings schema, in its order, with what the generated reference tells about each. */
export function describeSettings(settings: z.ZodType): Setting[] {
  return Object.entries(shapeOf(settings)).map(([name, schema]) => {
    const told = tellingsOf(schema);
    const absent = schema.safeParse(undefined);
    const given = told.find((one) => one.default !== undefined)?.default;
    return {
      name,
      help: told.find((one) => one.description)?.description ?? '',
      default: given === undefined ? undefined : written(given),
      required: !absent.success,
      secret: told.some((one) => one.secret),
      example: told.find((one) => one.example)?.example,
    };
  });
}

interface Telling {
  description?: string;
  secret: boolean;
  example?: string;
  default?: unknown;
}

/** What the schema and the schemas it wraps say about themselves, from the outside in. */
function tellingsOf(schema: z.ZodType): Telling[] {
  const told: Telling[] = [];
  let current: z.ZodType | undefined = schema;
  while (current) {
    const meta = current.meta() as { description?: string; secret?: boolean; example?: string } | undefined;
    const inner = current.def as { innerType?: z.ZodType; in?: z.ZodType; defaultValue?: unknown };
    told.push({ description: meta?.description, secret: meta?.secret === true, example: meta?.example, default: inner.defaultValue });
    current = inner.innerType ?? inner.in;
  }
  return told;
}

function shapeOf(settings: z.ZodType): Record<string, z.ZodType> {
  let current: z.ZodType = settings;
  while (!(current instanceof z.ZodObject)) {
    const inner = current.def as { innerType?: z.ZodType; in?: z.ZodType };
    const next = inner.innerType ?? inner.in;
    if (!next) throw new ConfigurationError('The settings of a service are a z.object() whose keys are environment variables.');
    current = next;
  }
  return current.shape as Record<string, z.ZodType>;
}

function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The variables as the schemas see them: an empty one counts as unset, `{service}` is filled in, the file `<SECRET>_FILE` names is read. */
function valuesOf(known: readonly Setting[], environment: Environment, service: Service, faults: string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, secret } of known) {
    const filled = (value: string | undefined) => value?.replaceAll('{service}', service);
    const file = secret ? filled(environment[`${name}_FILE`]) : undefined;
    // What a file holds is taken as it is: a generated password may look like anything.
    const said = file ? readSecretFile(name, file, faults) : filled(environment[name]);
    if (said !== undefined && said !== '') values[name] = said;
  }
  return values;
}

function readSecretFile(name: string, file: string, faults: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
  } catch (error) {
    faults.push(`${name}_FILE names ${file}, which cannot be read: ${(error as Error).message}. Correct the path or its permissions.`);
    return undefined;
  }
}

function faultOf(issue: z.core.$ZodIssue, known: readonly Setting[], values: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0] ?? '');
  const setting = known.find((one) => one.name === name);
  if (!setting) return `${name ? `${name}: ` : ''}${issue.message}.`;
  const example = setting.example ? `, for example ${name}=${setting.example}` : '';
  const help = setting.help ? ` (${setting.help})` : '';
  const value = values[name];
  if (value === undefined) return `${name} is not set. Set it${example}${help}.`;
  return `${name} is ${setting.secret ? 'set to something wrong' : JSON.stringify(value)}: ${issue.message}. Correct it${example}${help}.`;
}

function report(service: Service, faults: readonly string[]): string {
  const count = faults.length === 1 ? 'one setting is wrong' : `${faults.length} settings are wrong`;
  return `${service} cannot start, ${count}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}\ndocs/configuration.md lists every setting.`;
}
