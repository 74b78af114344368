import { z } from 'zod';
import { CommandAction } from '../command.js';
import { defineEvent } from '../define-event.js';
import { Id, PersonReference, Role } from '../nouns.js';
import { Service } from '../services.js';

/** A person asks a service to do something. Only `service` answers, with command.accepted or command.refused; the others note it. */
export const CommandIssued = defineEvent({
  name: 'command.issued',
  writer: 'gateway',
  topic: 'commands',
  about: 'environment',
  actedOnBy: ['source-watcher', 'image-builder', 'test-deployer', 'approval', 'production-rollout', 'notifier'],
  data: z.object({
    command: Id,
    service: Service,
    action: CommandAction,
    person: PersonReference,
    role: Role,
    reason: z.string().max(4000),
  }),
});
