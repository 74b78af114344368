import { readFile } from 'node:fs/promises';
import type { Ground } from './ground.ts';
import type { Records } from './records.ts';
import type { Change } from './stand-ins/target-state.ts';

/** What the stand-in target's own history says of the promises that end there. */
export interface TargetVerdict {
  readonly changes: number;
  /** In words, each what broke which promise. */
  readonly breaches: readonly string[];
}

/** A release as source-watcher gave birth to it, as image-builder built it and as approval let it into production. */
export interface Known {
  readonly release: string;
  readonly number: number;
  readonly line: string;
  readonly digest: string | null;
  /** When the first grant for production was said, in ms; null where none was. */
  readonly grantedAt: number | null;
}

const production = 'production';

/** Reads the target's history and holds it against the releases. */
export async function judgeTarget(ground: Ground, records: Records): Promise<TargetVerdict> {
  const lines = (await readFile(ground.targetHistory, 'utf8')).split('\n').filter(Boolean);
  const known = await records.query<Known>(
    `with granted as (
       select key, extract(epoch from min(created_at))::float8 * 1000 as at from slipway_approval.outbox
       where headers ->> 'ce_type' like 'slipway.approval.granted.v%' and value::jsonb ->> 'environment' = $1 group by key
     )
     select r.id::text as release, r.number, r.line, b.image ->> 'digest' as digest, granted.at as "grantedAt"
     from slipway_source_watcher.release r
       left join slipway_image_builder.build b on b.release = r.id left join granted on granted.key = r.id::text`,
    [production],
  );
  return breachesOf(
    lines.map((line) => JSON.parse(line) as Change),
    known,
  );
}

/** Promises 2 (nothing unapproved), 3 (one effect), 4 (never backwards), 5 (one digest) and 9 (fenced), from what the target changed. Pure. */
export function breachesOf(changes: readonly Change[], known: readonly Known[]): TargetVerdict {
  const releases = new Map(known.map((each) => [each.release, each]));
  const breaches: string[] = [];
  const effects = new Map<string, number>();
  const epochs = new Map<string, number>();
  const newest = new Map<string, number>();
  for (const change of changes.filter((each) => each.do === 'apply')) {
    const { project, environment, release, attempt, digest, epoch } = change;
    const place = `${project}/${environment}`;
    const about = releases.get(release);
    const effect = `${place} ${release} attempt ${attempt}`;
    effects.set(effect, (effects.get(effect) ?? 0) + 1);
    if (effects.get(effect) === 2) breaches.push(`promise 3: ${effect} was put there twice`);
    if (!about) breaches.push(`promise 1: ${effect} is a release nobody knows`);
    if (environment === production && !((about?.grantedAt ?? Number.POSITIVE_INFINITY) <= Date.parse(change.at)))
      breaches.push(`promise 2: ${effect} came there before anybody had let it in`);
    if (about?.digest && about.digest !== digest) breaches.push(`promise 5: ${effect} runs ${digest}, built was ${about.digest}`);
    const highest = epochs.get(effect) ?? 0;
    if (epoch < highest) breaches.push(`promise 9: ${effect} was written with epoch ${epoch} after ${highest}`);
    epochs.set(effect, Math.max(epoch, highest));
    if (!about) continue;
    const line = `${place} ${about.line}`;
    const before = newest.get(line) ?? 0;
    if (about.number < before) breaches.push(`promise 4: release ${about.number} came to ${line} after ${before}`);
    newest.set(line, Math.max(before, about.number));
  }
  return { changes: changes.length, breaches };
}
