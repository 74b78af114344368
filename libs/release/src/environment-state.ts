import type { Reason } from '@slipway/contracts';
import type { Told } from './event-order.js';
import type { EnvironmentState, EnvironmentStatus } from './release-state.js';

/**
 * A release in an environment after one more event; the same object where the event says nothing about it. An answer to a request or rollout that is
 * no longer the newest changes nothing: it was overtaken.
 */
export function foldEnvironment(
  before: EnvironmentState | undefined,
  event: Told,
  id: string,
  environment: string,
): EnvironmentState | undefined {
  if (!isOwn(event, id)) return before && foldOther(before, event, id);
  const state = before ?? fresh(environment, event.time);
  const to = (status: EnvironmentStatus, change: Partial<EnvironmentState> = {}): EnvironmentState => ({
    ...state,
    status,
    since: event.time,
    reason: null,
    ...change,
  });
  switch (event.name) {
    case 'deployment.started':
      return to('deploying', { stage: 'test', image: event.data.image, runs: true, replacedBy: null });
    case 'deployment.succeeded':
      return to('verifying', { stage: 'test', image: event.data.image, address: event.data.address, runs: true });
    case 'deployment.failed':
      // An overtaken release did not fail: it never had its turn.
      return to(event.data.reason.code === 'superseded' ? 'superseded' : 'failed', { stage: 'test', reason: event.data.reason });
    case 'verification.passed':
      return to('passed', { stage: 'test', image: event.data.image, address: event.data.address });
    case 'verification.failed':
      return to('failed', { stage: 'test', image: event.data.image, address: event.data.address, reason: failedChecks(event) });
    default:
      return foldDelivery(state, event, to) ?? before;
  }
}

type To = (status: EnvironmentStatus, change?: Partial<EnvironmentState>) => EnvironmentState;

/** Requests and rollouts; undefined where the event is none of these, or is about one that was overtaken. */
function foldDelivery(state: EnvironmentState, event: Told, to: To): EnvironmentState | undefined {
  switch (event.name) {
    case 'approval.requested':
      return requested(state, event, to);
    case 'sign-off.accepted':
      return signed(state, event);
    case 'approval.granted':
    case 'approval.rejected':
    case 'approval.expired':
    case 'approval.superseded':
    case 'approval.voided':
      return isOvertaken(state, event) ? undefined : answered(state, event, to);
    case 'rollout.started':
    case 'rollout.advanced':
    case 'rollout.succeeded':
    case 'rollout.failed':
    case 'rollout.aborted':
    case 'rollout.rolled-back':
      return rolled(state, event, to);
    default:
      return undefined;
  }
}

function requested(state: EnvironmentState, event: Told & { name: 'approval.requested' }, to: To): EnvironmentState {
  const { release: _, environment: __, authors: ___, change: ____, ...asked } = event.data;
  const again = state.request?.request === asked.request;
  // Said again for the view only: what became of it stays, and so does who signed.
  const request = { ...asked, approvals: again ? (state.request?.approvals ?? []) : [] };
  const { stage } = asked.deployment;
  return again && state.status !== 'awaiting-approval'
    ? { ...state, request }
    : {
        ...to('awaiting-approval', { stage, request, image: asked.deployment.image, rollout: null, progress: null }),
        ...(again ? { since: state.since } : {}),
      };
}

function signed(state: EnvironmentState, event: Told & { name: 'sign-off.accepted' }): EnvironmentState | undefined {
  const { request } = state;
  const { person, via, comment, decision } = event.data;
  if (!request || request.request !== event.data.request || decision === 'reject') return undefined;
  return {
    ...state,
    request: { ...request, missing: event.data.missing, approvals: [...request.approvals, { person, via, comment, at: event.time }] },
  };
}

type Answer = Told & { name: `approval.${'granted' | 'rejected' | 'expired' | 'superseded' | 'voided'}` };

/** Said of another request than the newest. That nothing could be asked is news where nothing is asked, and nothing has come of what was. */
function isOvertaken({ request, status }: EnvironmentState, event: Answer): boolean {
  return isUnasked(event) ? further.has(status) : request !== null && request.request !== event.data.request;
}

const further = new Set<EnvironmentStatus>([
  'awaiting-approval',
  'granted',
  'rolling-out',
  'failed',
  'live',
  'rolling-back',
  'rolled-back',
]);

function isUnasked({ data }: Answer): boolean {
  return 'unasked' in data && data.unasked === true;
}

function answered(state: EnvironmentState, event: Answer, to: To): EnvironmentState | undefined {
  const nothing = isUnasked(event) ? { request: null, rollout: null, progress: null } : {};
  switch (event.name) {
    case 'approval.granted':
      // Reissued while its rollout waits, or told late, after the rollout had begun: that changes nothing here.
      return state.status === 'granted' || state.rollout !== null ? undefined : to('granted');
    case 'approval.rejected':
      return to('rejected', { reason: { code: 'rejected', message: `${event.data.by.name}: ${event.data.comment}`.slice(0, 4000) } });
    case 'approval.expired':
      return to('expired', {
        reason: { code: 'nobody-decided', message: `nobody decided in time; missing: ${event.data.missing.join(', ')}`.slice(0, 4000) },
      });
    case 'approval.superseded':
      return to('superseded', {
        reason: {
          code: 'superseded',
          message: `release ${event.data.by.number} ${event.data.runs ? 'runs there already' : 'goes instead'}`,
        },
        replacedBy: event.data.by.number,
        ...nothing,
      });
    default:
      return to('voided', { reason: event.data.reason, ...nothing });
  }
}

function rolled(
  state: EnvironmentState,
  event: Told & { name: `rollout.${'started' | 'advanced' | 'succeeded' | 'failed' | 'aborted' | 'rolled-back'}` },
  to: To,
): EnvironmentState | undefined {
  const { rollout } = event.data;
  const current = state.rollout === null || state.rollout === rollout;
  switch (event.name) {
    case 'rollout.started':
      return to(event.data.kind === 'rollback' ? 'rolling-back' : 'rolling-out', {
        stage: event.data.stage,
        rollout,
        image: event.data.image,
        progress: null,
        runs: true,
        replacedBy: null,
      });
    case 'rollout.advanced':
      return current ? { ...state, rollout, progress: { ready: event.data.ready, wanted: event.data.wanted } } : undefined;
    case 'rollout.succeeded':
      return current
        ? to('live', { stage: event.data.stage, rollout, image: event.data.image, address: event.data.address, runs: true, progress: null })
        : undefined;
    case 'rollout.failed':
      return current
        ? to('failed', { stage: event.data.stage, rollout, reason: event.data.reason, progress: null, runs: event.data.next === 'hold' })
        : undefined;
    case 'rollout.aborted':
      if (!current || !isAnswered(state, event.data.request)) return undefined;
      return event.data.supersededBy === null
        ? to('aborted', { rollout, reason: event.data.reason, progress: null, runs: false })
        : to('superseded', { rollout, reason: event.data.reason, progress: null, runs: false, replacedBy: event.data.supersededBy });
    default:
      return to('live', {
        stage: event.data.stage,
        rollout,
        image: event.data.image,
        address: event.data.address,
        runs: true,
        progress: null,
        replacedBy: null,
      });
  }
}

/** Whether what waited for this request is what is waited for now: asked anew, the end of the earlier request's rollout is heard afterwards. */
function isAnswered({ request, status }: EnvironmentState, of: string | null): boolean {
  return of === null || (request ? request.request === of : status !== 'voided' && status !== 'superseded');
}

/** What another release's event means for this one in the same environment. */
function foldOther(state: EnvironmentState, event: Told, id: string): EnvironmentState {
  if (event.name === 'rollout.rolled-back' && event.data.environment === state.environment && event.data.from?.id === id) {
    return {
      ...state,
      status: 'rolled-back',
      since: event.time,
      runs: false,
      reason: event.data.reason,
      replacedBy: event.data.release.number,
    };
  }
  const takesOver = event.name === 'rollout.succeeded' || event.name === 'rollout.rolled-back' || event.name === 'deployment.started';
  return takesOver && state.runs && event.data.environment === state.environment
    ? { ...state, runs: false, replacedBy: event.data.release.number }
    : state;
}

function isOwn(event: Told, id: string): boolean {
  const { release } = event.data as { release?: { id?: unknown } | null };
  return release?.id === id;
}

function failedChecks(event: Told & { name: 'verification.failed' }): Reason {
  const failed = event.data.evidence.filter(({ outcome }) => outcome !== 'passed').map(({ check, message }) => `${check}: ${message}`);
  return { code: 'verification-failed', message: failed.join('; ').slice(0, 4000) || 'a check said no' };
}

function fresh(environment: string, at: string): EnvironmentState {
  return {
    environment,
    stage: null,
    status: 'deploying',
    since: at,
    runs: false,
    image: null,
    address: null,
    request: null,
    rollout: null,
    progress: null,
    reason: null,
    replacedBy: null,
  };
}
