import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id } from '../nouns.js';

/** The service a command named will do it, or has done it. */
export const CommandAccepted = defineEvent({
  name: 'command.accepted',
  writer: 'every',
  topic: 'home',
  about: 'environment',
  information: true,
  data: z.object({ command: Id, message: z.string().max(4000) }),
});
