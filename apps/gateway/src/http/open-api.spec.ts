import { routes } from '@slipway/api';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { docsPage, docsPolicy } from './docs-page.js';
import { documentOf } from './open-api.js';

const document = documentOf(routes);
type Operation = {
  operationId: string;
  parameters?: { name: string; in: string; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
};
const operations = Object.entries(document['paths'] as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
  Object.values(methods).map((operation) => ({ path, operation })),
);

describe('the OpenAPI document', () => {
  it('has every route of the table once, and the stream of events', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.sort()).toEqual([...Object.keys(routes), 'events'].sort());
  });

  it.each(operations.map(({ path, operation }) => [operation.operationId, path, operation] as const))(
    '%s: names the parameters of its path',
    (_, path, operation) => {
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(named.sort()).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort());
    },
  );

  it('holds schemas that a validator takes', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const schemas = operations.flatMap(({ operation }) => [
      ...(operation.parameters ?? []).map(({ schema }) => schema),
      ...[operation.requestBody, ...Object.values(operation.responses)].flatMap((each) =>
        Object.values(each?.content ?? {}).map(({ schema }) => schema),
      ),
    ]);
    expect(schemas.length).toBeGreaterThan(50);
    for (const schema of schemas) expect(() => ajv.compile(schema)).not.toThrow();
  });

  it('takes no whole number that is too large for what it is kept in', () => {
    const found: string[] = [];
    const look = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type, maximum } = node as { type?: unknown; maximum?: number };
      if (type === 'integer' && (maximum === undefined || maximum > 2_147_483_647)) found.push(at);
      for (const [key, each] of Object.entries(node)) look(each, `${at}.${key}`);
    };
    for (const { operation } of operations) look([operation.parameters, operation.requestBody], operation.operationId);
    expect(found).toEqual([]);
  });

  it('is shown as a page without script or outside assets', () => {
    const page = docsPage(document, 'abc');
    expect(page).not.toMatch(/<script|src=|https?:\/\/(?!json-schema)/);
    expect(page).toContain('/api/v1/releases/{id}');
    expect(docsPolicy('abc')).toContain("default-src 'none'");
  });
});
