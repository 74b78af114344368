import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Reason } from '../nouns.js';

/** Somebody could not be told, and it is not tried any more. */
export const NotificationFailed = defineEvent({
  name: 'notification.failed',
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
    reason: Reason,
  }),
});
