import { releasesOf, type Told } from '@slipway/release';

/** What an event is about, for those who may only see some projects. */
export interface Scope {
  readonly project: string | null;
  readonly release: string | null;
}

/** The project and release an event tells about, where its data says so. */
export function scopeOf(event: Told): Scope {
  const data = event.data as { project?: unknown; release?: unknown; chain?: unknown; action?: { project?: unknown; release?: unknown } };
  const [release = null] = releasesOf(event);
  const named = typeof data.release === 'object' && data.release !== null ? (data.release as { project?: unknown }).project : undefined;
  const project = [named, data.project, data.action?.project].find((each) => typeof each === 'string') ?? null;
  const asked = typeof data.action?.release === 'string' ? data.action.release : null;
  return { project: project as string | null, release: release ?? asked };
}
