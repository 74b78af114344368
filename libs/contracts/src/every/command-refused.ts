import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { Id, Reason } from '../nouns.js';

/** The service a command named will not do it, for this reason. */
export const CommandRefused = defineEvent({
  name: 'command.refused',
  writer: 'every',
  topic: 'home',
  about: 'environment',
  information: true,
  data: z.object({ command: Id, reason: Reason }),
});
