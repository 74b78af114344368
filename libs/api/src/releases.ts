import { Id, ImageReference, Name, Release, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineCommand, Reasoned } from './commands.js';
import { defineRoute, largestInt, PageQuery, pageOf } from './route.js';

/** What a release waits for: a code, and the sentence for people in two languages. */
export const Waiting = z.object({
  code: z.string(),
  environment: z.string().nullable(),
  en: z.string(),
  zh: z.string(),
  since: Time.nullable(),
  people: z.array(z.string()).default([]),
});

/** Where a release stands in one environment. */
export const ReleaseInEnvironment = z.object({
  environment: Name,
  stage: z.enum(['test', 'pre-release', 'production']),
  state: z.string(),
  request: Id.nullable(),
  address: z.string().nullable(),
  since: Time.nullable(),
});

export const TimelineEntry = z.object({
  at: Time,
  event: z.string(),
  id: Id,
  by: z.string().nullable(),
  environment: z.string().nullable(),
  en: z.string(),
  zh: z.string(),
});

export const ReleaseSummary = z.object({
  release: Release,
  state: z.string(),
  title: z.string(),
  authors: z.array(z.string()),
  image: ImageReference.nullable(),
  /** Since when its image is kept no longer; when the registry had removed it, or why it does not. Null while it is kept. */
  retired: z.object({ since: Time, removed: Time.nullable(), refused: z.string().nullable() }).nullable().default(null),
  waitingFor: z.array(Waiting),
  bornAt: Time,
  changedAt: Time,
});
export const ReleaseDetail = ReleaseSummary.extend({
  environments: z.array(ReleaseInEnvironment),
  timeline: z.array(TimelineEntry),
  logs: z.array(z.string()),
});

const byId = z.strictObject({ id: Id });

export const releaseRoutes = {
  listReleases: defineRoute({
    method: 'GET',
    path: '/api/v1/releases',
    summary: 'List releases, newest first',
    permission: 'signed-in',
    query: z.strictObject({ project: Name.optional(), environment: Name.optional(), state: z.string().max(50).optional(), ...PageQuery }),
    answer: pageOf(ReleaseSummary),
  }),
  getRelease: defineRoute({
    method: 'GET',
    path: '/api/v1/releases/{id}',
    summary: 'A release: state, environments, what it waits for, timeline',
    permission: 'release.read',
    params: byId,
    answer: ReleaseDetail,
  }),
  getReleaseByNumber: defineRoute({
    method: 'GET',
    path: '/api/v1/releases/{project}/{number}',
    summary: 'The same, by project and number',
    permission: 'release.read',
    params: z.strictObject({ project: Name, number: z.coerce.number().int().positive().max(largestInt) }),
    answer: ReleaseDetail,
  }),
  releaseLogs: defineRoute({
    method: 'GET',
    path: '/api/v1/releases/{id}/logs',
    summary: 'A log of a release from a chunk on',
    permission: 'release.read',
    params: byId,
    query: z.strictObject({ stream: z.string().max(200), from: z.coerce.number().int().min(0).max(largestInt).default(0) }),
    answer: z.object({ stream: z.string(), from: z.int(), next: z.int(), text: z.string(), last: z.boolean() }),
  }),
  retryRelease: defineCommand({
    command: 'release.retry',
    path: '/api/v1/releases/{id}/retry',
    summary: 'Try the failed step again',
    params: byId,
  }),
  cancelRelease: defineCommand({
    command: 'release.cancel',
    path: '/api/v1/releases/{id}/cancel',
    summary: 'Give up what is under way',
    params: byId,
  }),
  withdrawRelease: defineCommand({
    command: 'release.withdraw',
    path: '/api/v1/releases/{id}/withdraw',
    summary: 'Let it run nowhere any more',
    params: byId,
  }),
  askAgain: defineCommand({
    command: 'approval.ask',
    path: '/api/v1/releases/{id}/ask',
    summary: 'Ask anew for the sign-off into an environment',
    params: byId,
    body: Reasoned.extend({ environment: Name }),
  }),
};
