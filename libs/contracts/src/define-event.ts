import type { z } from 'zod';
import type { Service } from './services.js';
import { homeTopic, type Topic } from './topics.js';

/** What an event is about: its CloudEvents `subject` and the key of its Kafka record. */
export type Subject = 'release' | 'project' | 'environment' | 'target' | 'person' | 'installation';

/** An event as contracts declare it; the type of its data is inferred from the schema. */
export interface EventDefinition<Name extends string = string, Data extends z.ZodType = z.ZodType> {
  readonly name: Name;
  readonly version: number;
  /** CloudEvents `type` on the wire: `slipway.<name>.v<version>`. */
  readonly type: string;
  /** The one service that writes it; `every` for what any service may say, `outside` for what comes with a proof of its own. */
  readonly writer: Service | 'every' | 'outside';
  /** `home` is the topic of whoever writes it. */
  readonly topic: Topic | 'home';
  readonly about: Subject;
  readonly data: Data;
  /** The services that owe an answer: the event is said again until each has said something because of it. */
  readonly actedOnBy: readonly Service[];
  /** True when it only informs: nobody but gateway and notifier needs to react. */
  readonly information: boolean;
  /** From each older version to the next one. */
  readonly upcast: Readonly<Record<number, (data: unknown) => unknown>>;
}

/** The data an event carries, after parsing. */
export type DataOf<E extends EventDefinition> = z.output<E['data']>;

/** Declares an event: fills in the wire type and the defaults of what most events are. */
export function defineEvent<const Name extends string, Data extends z.ZodType>(event: {
  name: Name;
  version?: number;
  writer: EventDefinition['writer'];
  topic: Topic | 'home';
  about: Subject;
  data: Data;
  actedOnBy?: readonly Service[];
  information?: boolean;
  upcast?: Readonly<Record<number, (data: unknown) => unknown>>;
}): EventDefinition<Name, Data> {
  const version = event.version ?? 1;
  return {
    ...event,
    version,
    type: `slipway.${event.name}.v${version}`,
    actedOnBy: event.actedOnBy ?? [],
    information: event.information ?? false,
    upcast: event.upcast ?? {},
  };
}

/** The topic an event goes to when this service writes it. */
export function topicOf(event: EventDefinition, writer: Service): Topic {
  return event.topic === 'home' ? homeTopic[writer] : event.topic;
}
