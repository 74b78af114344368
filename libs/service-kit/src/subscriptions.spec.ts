import { CommitDetected, catalog, defineEvent, ImageBuilt } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultsOf, on, subscribe } from './subscriptions.js';

class OnCommitDetected {
  async handle(): Promise<void> {}
}
class OnImageBuilt {
  async handle(): Promise<void> {}
}
const written = defineEvent({
  name: 'letter.written',
  writer: 'gateway',
  topic: 'home',
  about: 'project',
  data: z.object({}),
  actedOnBy: ['notifier'],
});

describe('a subscription table', () => {
  it('is right when it has what must be acted on, each once', () => {
    const acted = [...catalog.values()].filter((event) => event.actedOnBy.includes('image-builder'));
    const table = subscribe(
      'image-builder',
      acted.map((event) => on(event, OnCommitDetected)),
    );
    expect(faultsOf(table, catalog.values())).toEqual([]);
  });

  it('refuses two handlers for one event, naming both', () => {
    const table = subscribe('notifier', [on(ImageBuilt, OnImageBuilt), on(ImageBuilt, OnCommitDetected)]);
    expect(faultsOf(table, [ImageBuilt])).toEqual([
      'notifier subscribes to image.built twice, with OnImageBuilt and OnCommitDetected: keep one.',
    ]);
  });

  it('refuses an event that the catalog does not know', () => {
    expect(faultsOf(subscribe('notifier', [on(written, OnImageBuilt)]), [CommitDetected])).toEqual([
      expect.stringMatching(/letter\.written, which is not in the catalog/),
    ]);
  });

  it('refuses to leave out an event that the service must act on', () => {
    expect(faultsOf(subscribe('notifier', []), [written])).toEqual([expect.stringMatching(/letter\.written must be acted on by notifier/)]);
  });
});
