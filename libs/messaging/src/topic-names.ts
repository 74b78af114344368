import { type EventDefinition, homeTopic, type Service, services, type Topic, topicOf, topics } from '@slipway/contracts';
import type { TopicWanted } from './event-log.js';

/** Topics as they are called in this installation. */
export class TopicNames {
  private readonly short = new Map<string, Topic>();

  constructor(readonly prefix: string) {
    for (const topic of Object.keys(topics) as Topic[]) this.short.set(this.of(topic), topic);
  }

  of(topic: Topic): string {
    return `${this.prefix}${topic}`;
  }

  /** What contracts call it; undefined for a topic of somebody else. */
  topic(name: string): Topic | undefined {
    return this.short.get(name);
  }

  /** What a topic is called here that was called so when it was written down, perhaps under another prefix; one that is none of ours keeps its name. */
  here(name: string): string {
    const topic = [...this.short.values()].find((each) => name.endsWith(each));
    return topic === undefined ? name : this.of(topic);
  }

  /** The newest record of each key never goes away, so that it was seen must be remembered for ever too. */
  isCompacted(name: string): boolean {
    const topic = this.topic(name);
    return topic !== undefined && topics[topic].retention === 'compact';
  }

  wanted(partitions: number): TopicWanted[] {
    return Object.entries(topics).map(([topic, { retention }]) => ({
      name: this.of(topic as Topic),
      partitions,
      retention: retention === 'compact' ? 'compact' : { ms: Number.parseInt(retention, 10) * 24 * 3_600_000 },
    }));
  }
}

/** Where one event may turn up. */
export function topicsWith(event: EventDefinition): Topic[] {
  if (event.topic !== 'home') return [event.topic];
  return event.writer === 'every' || event.writer === 'outside' ? services.map((service) => homeTopic[service]) : [homeTopic[event.writer]];
}

/** Whether this service is owed answers to the event: what comes from outside is only the gateway's to hand on. */
export function isHandedOffBy(service: Service, event: EventDefinition): boolean {
  return event.writer === service || event.writer === 'every' || (event.writer === 'outside' && service === 'gateway');
}

/** Where what this service says by way of its outbox may turn up: every topic it writes to, save logs. */
export function ownTopics(service: Service, catalog: readonly EventDefinition[]): Set<Topic> {
  const found = new Set(catalog.filter((event) => isHandedOffBy(service, event)).map((event) => topicOf(event, service)));
  found.delete('logs');
  return found;
}

/**
 * Where the services that must act on what this one says may answer: every topic they write to, save logs and dead letters.
 * A hand-off is settled by anything said because of it, so reading less would mean saying it again for ever.
 */
export function answerTopics(service: Service, catalog: readonly EventDefinition[]): Set<Topic> {
  const answering = new Set(catalog.filter((event) => isHandedOffBy(service, event)).flatMap((event) => event.actedOnBy));
  const found = new Set<Topic>();
  for (const who of answering) {
    found.add(homeTopic[who]);
    for (const event of catalog) if (event.writer === who || event.writer === 'every') found.add(topicOf(event, who));
  }
  found.delete('logs');
  found.delete('dead-letters');
  return found;
}
