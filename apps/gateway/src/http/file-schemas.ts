import { ProjectFile, TargetFile } from '@slipway/contracts';

/** The schema of a file by its kind. */
export const fileSchemas = { project: ProjectFile, target: TargetFile } as const;
