import type { ResolvedDeployment, TargetFile } from '@slipway/contracts';

type Target = ResolvedDeployment['target'];

/** A target's file as it was last applied; null where the target was removed. */
export interface AppliedTarget {
  readonly version: number;
  readonly file: TargetFile | null;
}

/** Where a deployment goes. `newer` says, where the target's file has changed since, that this stays as it was signed. */
export type Placed =
  | { readonly place: { readonly name: string; readonly docker: TargetFile['spec']['docker'] }; readonly newer: string | null }
  | { readonly waitsFor: string };

/**
 * Where a deployment goes: to the place people signed for, whatever the target's file says by now (design part 4, promise 2). What is applied only
 * tells whether the target is still there, and stands in for what was signed before deployments carried their place, as long as it is of that version.
 */
export function placeOf({ name, version, docker: signed }: Target, applied: AppliedTarget | undefined): Placed {
  const since = applied && applied.version > version ? applied : undefined;
  if (since?.file === null) return { waitsFor: `target ${name} was removed` };
  const docker = signed ?? (applied?.version === version ? applied.file?.spec.docker : undefined);
  if (docker) return { place: { name, docker }, newer: since ? newerWords(name, version, since.version) : null };
  const unknown = `version ${version} of target ${name} is not known here`;
  return { waitsFor: since ? `${unknown} any more, and nobody has signed for version ${since.version}: let a newer release in` : unknown };
}

function newerWords(name: string, signed: number, now: number): string {
  return `target ${name} is at version ${now}; what runs here was signed for version ${signed} and stays there until a deployment on the new one is granted`;
}
