import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventDefinition, homeTopic, type Service, services, type Topic, topicOf, topics } from '@slipway/contracts';
import { hearersOf, writersOf } from './flow.ts';
import { type House, root, type Told } from './house.ts';
import { dataSchemaOf, type JsonSchema } from './schemas.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** The suite as an AsyncAPI 3 document: topics are channels, events messages, a service's reading or writing of a topic an operation. */
export function asyncApi(house: House): JsonSchema {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const schemas: Record<string, JsonSchema> = { CloudEventHeaders: headers() };
  const messages = Object.fromEntries(house.events.map((told) => [messageName(told.event), message(told, schemas)]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Slipway',
      version,
      description: 'Everything the services of Slipway say to each other on Kafka, as CloudEvents 1.0 in binary mode.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries((Object.keys(topics) as Topic[]).map((topic) => [topic, channel(topic, house)])),
    operations: operations(house),
    components: { messages, schemas },
  };
}

function channel(topic: Topic, house: House): JsonSchema {
  const { retention } = topics[topic];
  const configuration =
    retention === 'compact'
      ? { 'cleanup.policy': ['compact'] }
      : { 'cleanup.policy': ['delete'], 'retention.ms': Number.parseInt(retention, 10) * dayMs };
  return {
    address: `slipway.${topic}`,
    messages: Object.fromEntries(
      house.events
        .filter(({ event }) => isIn(event, topic))
        .map(({ event }) => [messageName(event), { $ref: `#/components/messages/${messageName(event)}` }]),
    ),
    bindings: { kafka: { topic: `slipway.${topic}`, topicConfiguration: configuration, bindingVersion: '0.5.0' } },
  };
}

function isIn(event: EventDefinition, topic: Topic): boolean {
  return (
    event.topic === topic ||
    (event.topic === 'home' &&
      (writersOf(event).some((writer) => topicOf(event, writer) === topic) || Object.values(homeTopic).includes(topic as never)))
  );
}

function operations(house: House): JsonSchema {
  const found: Record<string, { action: 'send' | 'receive'; channel: { $ref: string }; messages: { $ref: string }[] }> = {};
  const add = (service: Service, action: 'send' | 'receive', topic: Topic, event: EventDefinition) => {
    const name = `${service}.${action}.${topic}`;
    found[name] ??= { action, channel: { $ref: `#/channels/${topic}` }, messages: [] };
    found[name].messages.push({ $ref: `#/channels/${topic}/messages/${messageName(event)}` });
  };
  for (const { event } of house.events) {
    const writers = writersOf(event);
    for (const writer of writers) add(writer, 'send', topicOf(event, writer), event);
    const from = new Set(writers.length === 0 && event.topic !== 'home' ? [event.topic] : writers.map((writer) => topicOf(event, writer)));
    for (const reader of hearersOf(event, house)) for (const topic of from) add(reader, 'receive', topic, event);
  }
  const order = (name: string) => services.findIndex((service) => name.startsWith(`${service}.`));
  return Object.fromEntries(Object.entries(found).sort(([one], [other]) => order(one) - order(other) || one.localeCompare(other)));
}

function message({ event, constant, meaning }: Told, schemas: Record<string, JsonSchema>): JsonSchema {
  schemas[constant] = lifted(dataSchemaOf(event), schemas);
  return {
    name: event.type,
    title: event.name,
    summary: meaning,
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/CloudEventHeaders' },
    payload: { $ref: `#/components/schemas/${constant}` },
    bindings: { kafka: { key: { type: 'string', description: `the ${event.about} it is about` }, bindingVersion: '0.5.0' } },
  };
}

/** Moves a schema's own definitions among the components, so that its references still lead somewhere. */
function lifted(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { $schema: _, definitions = {}, ...rest } = schema as JsonSchema & { definitions?: Record<string, JsonSchema> };
  const moved = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('"#/definitions/', '"#/components/schemas/')) as T;
  for (const [name, definition] of Object.entries(definitions)) schemas[name] = moved(definition);
  return moved(rest);
}

function headers(): JsonSchema {
  const text = (description: string) => ({ type: 'string', description });
  return {
    type: 'object',
    required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_subject'],
    properties: {
      ce_specversion: { type: 'string', const: '1.0' },
      ce_id: text('UUIDv7; with ce_source it is unique'),
      ce_source: text('The service that says it'),
      ce_type: text('`slipway.<name>.v<version>`'),
      ce_time: text('RFC 3339, UTC'),
      ce_subject: text('What it is about; also the record key'),
      ce_partitionkey: text('The record key'),
      ce_sequence: text('Counts up from 1 per writer and subject'),
      ce_correlationid: text('The release, where there is one'),
      ce_causationid: text('The event that led to this'),
      ce_traceparent: text('W3C trace context'),
      ce_signature: text('base64url of JSON [{keyid, sig}]: DSSE by the key of ce_source over all other attributes and the value'),
    },
  };
}

function messageName(event: EventDefinition): string {
  return `${event.name}.v${event.version}`;
}
