import type { Warning } from './doctor-warnings.js';
import type { Retention } from './ports.js';

/** Images that are needed no longer and that registries do not remove. A tag somebody has set is no fault. */
export async function imageWarnings(retention: Retention, projects: readonly string[] | null): Promise<Warning[]> {
  return (await retention.refused(projects))
    .filter(({ reason }) => reason.code !== 'tagged')
    .map(({ reason, releases }) => ({
      code: 'images-kept',
      message: `the registry does not remove the images of ${releases} release${releases === 1 ? '' : 's'}: ${reason.message}`,
      mend: 'let image-builder delete there (docs/guides/what-is-kept.md); it asks again once a day',
    }));
}
