import type { DataOf, EventDeadLettered } from '@slipway/contracts';

/** How a dead letter is called outside its service: where its record lies. */
export function placeOf({ topic, partition, offset }: Pick<DataOf<typeof EventDeadLettered>, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}:${partition}:${offset}`;
}
