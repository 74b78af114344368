import type { z } from 'zod';

/** What a field of this name holds in a sample, where its schema takes that. */
const byName: Readonly<Record<string, string | number>> = {
  project: 'shop',
  environment: 'production',
  line: 'refs/heads/main',
  ref: 'refs/heads/main',
  revision: '07e5c3a18f6d4b2907e5c3a18f6d4b2907e5c3a1',
  repository: 'localhost:5000/shop',
  name: 'Ann Author',
  email: 'ann@shop.example',
  message: 'Sell apples, too',
  target: 'lab',
  namespace: 'shop-production',
  keyid: 'a-key',
  sig: 'c2lnbmF0dXJl',
  payloadType: 'application/vnd.slipway.grant+json;version=1',
  payload: 'e30=',
  address: 'http://127.0.0.1:40001',
  role: 'operator',
  comment: 'looks good',
  number: 42,
  instances: 2,
};

/** Tried in turn for texts that only a pattern describes. */
const texts = [
  'shop',
  `sha256:${'d4b2907e5c3a18f6'.repeat(4)}`,
  'a18f6d4b2907e5c3'.repeat(4),
  '07e5c3a18f6d4b2907e5c3a18f6d4b2907e5c3a1',
  '2026-11-23T05:00:00.000Z',
  '30s',
  '256Mi',
  'https://shop.example/',
  'ann@shop.example',
  '/healthz',
  '*',
  '1',
  '40000-40100',
  '0123456789abcdef',
  'SLIPWAY_URL',
];
const numbers = [1, 2, 200, 8080, 0.5, 0];

/** Parts of zod's own description of a schema that say what to put there. */
interface Definition {
  readonly type: string;
  readonly format?: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** Data that the schema takes, made from the schema alone: every field there, optional ones left out. Throws naming a field it has no idea of. */
export function sampleOf(schema: z.ZodType, path: readonly string[] = []): unknown {
  const def = schema.def as unknown as Definition;
  const inner = def.innerType ?? def.in;
  switch (def.type) {
    case 'object':
      return objectOf(def.shape ?? {}, path);
    case 'string':
      return def.format === 'uuid' ? uuidOf(path) : candidate(schema, path, texts);
    case 'number':
      return candidate(schema, path, numbers);
    case 'boolean':
      return true;
    case 'literal':
      return def.values?.[0];
    case 'enum':
      return Object.values(def.entries ?? {})[0];
    case 'array': {
      const list = def.element ? [sampleOf(def.element, [...path, '0'])] : [];
      return schema.safeParse(list).success ? list : [];
    }
    case 'optional':
      return undefined;
    case 'union':
      return def.options?.[0] ? sampleOf(def.options[0], path) : undefined;
    case 'record':
    case 'unknown':
      return {};
    case 'null':
      return null;
    default:
      if (inner) return sampleOf(inner, path);
      throw new Error(`${path.join('.')}: no sample for a ${def.type}; teach tools/docs/sample-of.ts`);
  }
}

function objectOf(shape: Readonly<Record<string, z.ZodType>>, path: readonly string[]): Record<string, unknown> {
  const fields = Object.entries(shape).map(([name, schema]) => [name, sampleOf(schema, [...path, name])] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

function candidate(schema: z.ZodType, path: readonly string[], candidates: readonly (string | number)[]): string | number {
  const named = byName[path.at(-1) ?? ''];
  const found = [...(named === undefined ? [] : [named]), ...candidates].find((value) => schema.safeParse(value).success);
  if (found === undefined) throw new Error(`${path.join('.')}: no candidate fits its schema; teach tools/docs/sample-of.ts`);
  return found;
}

/** A UUIDv7 that is the same for the same field. */
function uuidOf(path: readonly string[]): string {
  let hash = 2_166_136_261;
  for (const letter of path.join('.')) hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619) >>> 0;
  const hex = hash.toString(16).padStart(8, '0');
  return `01934e7a-${hex.slice(0, 4)}-7${hex.slice(4, 7)}-9${hex.slice(1, 4)}-${hex}${hex.slice(0, 4)}`;
}
