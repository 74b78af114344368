import { z } from 'zod';
import { SecretName } from '../app-settings.js';
import { defineEvent } from '../define-event.js';
import { Name } from '../nouns.js';

/** The version ids of a project's secrets, as the service that uses them sees them: keyed hashes, which say nothing of the values. `null`: the file is not there. */
export const SecretVersioned = defineEvent({
  name: 'secret.versioned',
  writer: 'every',
  topic: 'home',
  about: 'project',
  actedOnBy: ['approval'],
  data: z.object({ project: Name, secrets: z.array(z.object({ name: SecretName, version: z.string().max(100).nullable() })).max(200) }),
});
