import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Service } from '../services.js';

/** A record no handler can take: where it lies, why, and what it was. */
export const EventDeadLettered = defineEvent({
  name: 'event.dead-lettered',
  writer: 'every',
  topic: 'dead-letters',
  about: 'installation',
  information: true,
  data: z.object({
    service: Service,
    topic: z.string().max(300),
    partition: z.int().nonnegative(),
    offset: z.string().max(30),
    event: z.string().max(100).nullable(),
    name: z.string().max(200).nullable(),
    reason: z.string().max(2000),
    stack: z.string().max(8000).nullable(),
    /** How long its value is, in bytes; absent where it has none. */
    bytes: z.int().nonnegative().optional(),
    /** How its value begins, as text. Only of what a service of Slipway signed, which holds no secret: what others write may hold anything. */
    excerpt: z.string().max(2000).optional(),
  }),
});
