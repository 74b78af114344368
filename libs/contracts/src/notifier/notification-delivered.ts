import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id } from '../nouns.js';

/** Somebody was told. */
export const NotificationDelivered = defineEvent({
  name: 'notification.delivered',
  writer: 'notifier',
  topic: 'notifications',
  about: 'release',
  information: true,
  data: z.object({
    delivery: Id,
    event: Id,
    channel: z.enum(['mail', 'webhook']),
    to: z.string().max(400),
    template: z.string().max(100),
    attempts: z.int().positive(),
  }),
});
