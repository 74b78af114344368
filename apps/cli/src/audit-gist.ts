import { z } from 'zod';
import { oneLine } from './output.js';

const Named = z.object({ name: z.string() });
/** What people look for in an entry; all of it is in `--json`. Entries are as their events were, of any version, so nothing is certain to be there. */
const Gist = z.object({
  event: z.string().catch('-'),
  by: Named.nullish().catch(null),
  person: Named.nullish().catch(null),
  release: z.object({ project: z.string(), number: z.int() }).nullish().catch(null),
  project: z.string().nullish().catch(null),
  target: z.string().nullish().catch(null),
  environment: z.string().nullish().catch(null),
  version: z.int().nullish().catch(null),
  name: z.string().nullish().catch(null),
  with: z.string().nullish().catch(null),
  decision: z.string().nullish().catch(null),
  comment: z.string().nullish().catch(null),
  reason: z
    .union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)])
    .nullish()
    .catch(null),
  action: z.looseObject({ kind: z.string() }).nullish().catch(null),
});

/** An entry of an audit chain in three cells: the event, who, and what. */
export function gistOf(entry: Readonly<Record<string, unknown>>): [event: string, by: string, what: string] {
  const { release, project, target, environment, version, decision, comment, reason, action, ...gist } = Gist.parse(entry);
  const { event, by, person, name, with: means } = gist;
  // Who acts and whom it is about are two where somebody else did it.
  const whom = by && person?.name !== by.name ? person?.name : undefined;
  const about = release ? `${release.project}/${release.number}` : (project ?? target ?? whom ?? '');
  const said = [decision, action?.kind, means, name, version ? `version ${version}` : '', comment || reason].filter(Boolean).join(', ');
  const where = [about, environment].filter(Boolean).join(' ');
  return [oneLine(event, 40), oneLine((by ?? person)?.name ?? '-', 40), oneLine([where, said].filter(Boolean).join(': '), 100)];
}
