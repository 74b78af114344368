import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { PersonReference } from '../nouns.js';
import { Person } from '../person.js';

/** A person as they are from now on; a version that counts up, so that an older event never overrides a newer one. */
export const PersonChanged = defineEvent({
  name: 'person.changed',
  writer: 'gateway',
  topic: 'people',
  about: 'person',
  actedOnBy: ['approval', 'notifier'],
  data: z.object({ person: Person, version: z.int().positive(), by: PersonReference.nullable() }),
});
