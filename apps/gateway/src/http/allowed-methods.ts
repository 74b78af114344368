import { routes } from '@slipway/api';

/** Paths of the API by their segments, those with more fixed words first, each with the methods it has. */
const shapes = shapesOf([
  ...Object.values(routes).map(({ method, path }) => ({ method, path })),
  { method: 'GET', path: '/api/v1/events' },
  { method: 'GET', path: '/api/v1/openapi.json' },
]);

/** The methods that the API has at this address, as `Allow` lists them (RFC 9110, section 10.2.1); undefined where it has nothing. */
export function methodsAt(url: string): readonly string[] | undefined {
  const [path = ''] = url.split('?', 1);
  if (!path.startsWith('/api/v1/')) return undefined;
  const segments = path.split('/');
  return shapes.find(({ words }) => fits(words, segments))?.methods;
}

type Words = readonly (string | undefined)[];

function fits(words: Words, segments: readonly string[]): boolean {
  return words.length === segments.length && words.every((word, at) => (word === undefined ? segments[at] !== '' : word === segments[at]));
}

function shapesOf(all: readonly { readonly method: string; readonly path: string }[]): { words: Words; methods: readonly string[] }[] {
  const byShape = new Map<string, Set<string>>();
  for (const { method, path } of all) {
    const shape = path.replaceAll(/\{\w+\}/g, '{}');
    const methods = byShape.get(shape) ?? new Set();
    byShape.set(shape, methods.add(method));
    // Whoever may get may ask for the head alone.
    if (method === 'GET') methods.add('HEAD');
  }
  return [...byShape]
    .map(([shape, methods]) => ({ words: shape.split('/').map((word) => (word === '{}' ? undefined : word)), methods: [...methods] }))
    .toSorted((one, other) => fixedIn(other.words) - fixedIn(one.words));
}

function fixedIn(words: Words): number {
  return words.filter((word) => word !== undefined).length;
}
