import { type ApiClient, ApiError, type ReleaseDetail } from '@slipway/api';
import { Id, Name } from '@slipway/contracts';
import type { z } from 'zod';
import { Misused, Refused } from './exit.js';

export type Detail = z.infer<typeof ReleaseDetail>;

/** A release as people name it: `shop/42`, or its id. */
export type ReleaseReference = { readonly project: string; readonly number: number } | { readonly id: string };

/** Reads a release's name. @throws Misused */
export function releaseReference(text: string): ReleaseReference {
  const [, project, number] = /^([^/]+)\/#?(\d+)$/.exec(text) ?? [];
  if (project !== undefined && Name.safeParse(project).success && Number(number) > 0) return { project, number: Number(number) };
  if (Id.safeParse(text).success) return { id: text };
  throw new Misused(`${JSON.stringify(text)} is no release; write project and number, like shop/42, or the release's id`);
}

/** The release by its name. */
export async function releaseNamed(api: ApiClient, text: string, signal?: AbortSignal): Promise<Detail> {
  const reference = releaseReference(text);
  const more = signal === undefined ? {} : { signal };
  if ('id' in reference) return api.getRelease({ params: { id: reference.id }, ...more });
  return api.getReleaseByNumber({ params: reference, ...more });
}

/** `shop/42` of a release. */
export function nameOf({ project, number }: { project: string; number: number }): string {
  return `${project}/${number}`;
}

/** An environment: `shop production` or `shop/production`. @throws Misused */
export function environmentReference(first: string, second: string | undefined): { project: string; environment: string } {
  const [project, environment, ...rest] = [...first.split('/'), ...(second === undefined ? [] : [second])];
  const both = [project, environment].map((name) => Name.safeParse(name));
  if (rest.length > 0 || !both.every((name) => name.success) || project === undefined || environment === undefined)
    throw new Misused(`name project and environment, like: shop production`);
  return { project, environment };
}

/** Whether the gateway says that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 404;
}

/** The one of these that a word means: by id, or by one of the names given. @throws Refused where none or several do. */
export function theOne<T>(items: readonly T[], word: string, namesOf: (item: T) => readonly string[], what: string): T {
  const meant = items.filter((item) => namesOf(item).some((name) => name.toLowerCase() === word.toLowerCase()));
  const [one, another] = meant;
  if (one === undefined) throw new Refused(`there is no ${what} ${JSON.stringify(word)}`);
  if (another !== undefined)
    throw new Refused(`several are called ${JSON.stringify(word)}; use the id: ${meant.map((item) => namesOf(item)[0]).join(', ')}`);
  return one;
}
