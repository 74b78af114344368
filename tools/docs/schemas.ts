import { type EventDefinition, ProjectFile, TargetFile } from '@slipway/contracts';
import { z } from 'zod';
import type { House } from './house.ts';

/** A JSON Schema as plain data. */
export type JsonSchema = Record<string, unknown>;

/** The JSON Schema (draft 7) of what an event carries on the wire. */
export function dataSchemaOf(event: EventDefinition): JsonSchema {
  return jsonSchemaOf(event.data);
}

/** docs/schemas: one file an event and version, and those of the files people write, for their editors. */
export function schemaFiles(house: House): Map<string, string> {
  const files = new Map<string, string>();
  for (const { event, meaning } of house.events) {
    const name = `${event.name}.v${event.version}.json`;
    files.set(
      `docs/schemas/${name}`,
      printed({ ...dataSchemaOf(event), $id: `https://slipway.dev/schemas/${name}`, title: event.name, description: meaning }),
    );
  }
  for (const [name, schema] of [
    ['project', ProjectFile],
    ['target', TargetFile],
  ] as const) {
    files.set(`docs/schemas/${name}.json`, printed({ ...jsonSchemaOf(schema), $id: `https://slipway.dev/schemas/${name}.json` }));
  }
  return files;
}

/** JSON as we write it into docs. */
export function printed(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) as JsonSchema;
}
