import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/**
 * Whether data that does not fit is of a newer form: it names something this code does not know, a key where unknown ones mean something (docs/adr/0018), a
 * choice, or a key this code refuses because nothing acts on it yet. Everything else about it must be right. To be asked only of data whose writer proved
 * itself: it held the data against its own contract before it signed.
 */
export function isOfNewerForm(data: unknown, error: z.ZodError): boolean {
  const { issues } = error;
  return issues.some((issue) => isUnknown(data, issue)) && issues.every((issue) => isUnknown(data, issue) || mayFollow(issue));
}

function isUnknown(data: unknown, issue: Issue): boolean {
  const value = issue.path.reduce<unknown>((within, key) => (within as Record<PropertyKey, unknown> | null | undefined)?.[key], data);
  switch (issue.code) {
    case 'unrecognized_keys':
      return true;
    case 'invalid_value':
      return value !== undefined;
    case 'invalid_type':
      return issue.expected === 'undefined';
    case 'invalid_union': {
      if (issue.errors.length === 0) return value !== undefined;
      const isOfBranch = (branch: readonly Issue[]) => branch.some((each) => isUnknown(value, each));
      return issue.errors.some(isOfBranch) && issue.errors.every((branch) => isOfBranch(branch) || isOtherKind(branch));
    }
    default:
      return false;
  }
}

/** A rule between fields, which may miss what stands under a name it does not know. */
function mayFollow({ code }: Issue): boolean {
  return code === 'custom';
}

/** Text where this branch has an object, say: it was never meant. */
function isOtherKind(branch: readonly Issue[]): boolean {
  return branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
}
