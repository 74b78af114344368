import { z } from 'zod';
import { Duration, inBytes, inSeconds, MemorySize, ShortDuration } from './duration.js';
import { Name } from './nouns.js';

/** What values must be besides being well formed, by where they stand; of a list each. */
type Limits = z.ZodType | { readonly [key: string]: Limits };

/** Each project's audit chain is called like it, and the installation has one of its own. */
const ProjectName = Name.refine((name) => name !== 'installation', { error: 'no project can be called installation: choose another name' });

/** A source that is asked without a pause is asked for nothing else. */
const Poll = ShortDuration.refine((text) => !/^\d+m?s$/.test(text) || inSeconds(text) >= 0.1, { error: 'poll every 100ms at most' });

/** Docker takes no limit below 6 MiB, and none at all for as much memory as there is. */
const MemoryLimit = MemorySize.refine((text) => !MemorySize.safeParse(text).success || isLimit(inBytes(text)), {
  error: 'give at least 6Mi, and 65536Gi at most',
});

function isLimit(bytes: number): boolean {
  return bytes >= 6 * 1024 ** 2 && bytes <= 64 * 1024 ** 4;
}

const app = {
  cpus: z.number().min(0.01, 'give a hundredth of a processor at least'),
  memory: MemoryLimit,
  drain: ShortDuration,
  stable: ShortDuration,
  health: { every: ShortDuration, timeout: ShortDuration, grace: ShortDuration },
} satisfies Limits;
const build = { docker: { timeout: ShortDuration } } satisfies Limits;
const verify = { timeout: ShortDuration } satisfies Limits;

/** Of `slipway.yaml`. */
export const repositoryLimits = { build, app, verify } satisfies Limits;

/** Of the project file. */
export const projectLimits = {
  metadata: { name: ProjectName },
  spec: {
    source: { git: { poll: Poll }, svn: { poll: Poll } },
    build,
    app,
    environments: { app, deadline: ShortDuration, verify, approval: { expires: Duration, soak: Duration } },
  },
} satisfies Limits;

/**
 * For a file that somebody applies or pushes now. What an earlier version took lies in events and rows, under the version of the event that it had: it is read
 * as it was written, or what was applied would be in force here and not there (docs/adr/0018).
 */
export function within(limits: Limits): (file: unknown, context: z.RefinementCtx) => void {
  return (file, context) => {
    for (const { path, message } of beyond(file, limits, [])) context.addIssue({ code: 'custom', path, message });
  };
}

function beyond(value: unknown, limits: Limits, at: PropertyKey[]): { path: PropertyKey[]; message: string }[] {
  if (value === undefined) return [];
  if (limits instanceof z.ZodType) {
    const { issues } = limits.safeParse(value).error ?? { issues: [] };
    return issues.map(({ path, message }) => ({ path: [...at, ...path], message }));
  }
  if (Array.isArray(value)) return value.flatMap((each, nth) => beyond(each, limits, [...at, nth]));
  return Object.entries(limits).flatMap(([key, inner]) => beyond((value as Record<string, unknown>)[key], inner, [...at, key]));
}
