import type { PersonReference, ProjectFile, Reason } from '@slipway/contracts';
import { awaitedWords } from './away.js';
import { lastEnvironments, nextEnvironments, promotionPath } from './promotion-path.js';
import type { EnvironmentState, ReleaseState } from './release-state.js';
import type { Judged } from './sign-off-rules.js';
import { type Wait, wait } from './wait.js';
import { forPeople } from './waiting-for-people.js';

/** What is known beside the release's own events. */
export interface Around {
  /** The project file in force; null when the project was removed. */
  readonly file: ProjectFile | null;
  readonly people: readonly Judged[];
  /** RFC 3339 UTC. */
  readonly now: string;
  /** Test environments a tester holds as they are. */
  readonly held?: readonly { readonly environment: string; readonly by: PersonReference; readonly until: string | null }[];
}

/** What a release waits for, never empty: work and people first; only when nothing moves any more, where it has arrived or why it ended. */
export function waitingFor(state: ReleaseState, around: Around): Wait[] {
  if (state.withdrawn)
    return [
      ended(
        null,
        { code: 'withdrawn', message: `withdrawn by ${state.withdrawn.by.name}: ${state.withdrawn.reason}` },
        `由 ${state.withdrawn.by.name} 撤回：${state.withdrawn.reason}`,
      ),
    ];
  if (state.environments.length === 0 && state.build.status !== 'built') return withAway([forBuild(state)], state);
  const open = [...state.environments.flatMap((each) => forEnvironment(state, each, around)), ...forNext(state, around)];
  return open.length > 0 ? withAway(open, state) : atTheEnd(state, around);
}

function ended(environment: string | null, reason: Reason, zh = reason.message): Wait {
  const where = environment ? { en: ` in ${environment}`, zh: `（${environment}）` } : { en: '', zh: '' };
  return wait('ended', environment, `ended${where.en}: ${reason.message}`, `已结束${where.zh}：${zh}`, { reason });
}

function forBuild({ build }: ReleaseState): Wait {
  switch (build.status) {
    case 'building':
      return wait('build', null, 'its image is being built', '镜像构建中');
    case 'failed':
      return ended(null, build.reason ?? { code: 'build-failed', message: 'the build failed' });
    case 'cancelled':
      return ended(null, build.reason ?? { code: 'build-cancelled', message: 'the build was cancelled' });
    default:
      return wait('build-queue', null, 'its turn to be built', '等待构建');
  }
}

function forEnvironment(state: ReleaseState, { environment, status, request, progress, reason }: EnvironmentState, around: Around): Wait[] {
  switch (status) {
    case 'deploying':
      return [wait('deployment', environment, `being healthy in ${environment}`, `等待在 ${environment} 就绪`)];
    case 'verifying':
      return [wait('verification', environment, `the checks of ${environment}`, `等待 ${environment} 的检查`)];
    case 'awaiting-approval':
      return request ? forPeople(state.release.project, environment, request, around) : [];
    case 'granted':
      return [wait('rollout-queue', environment, `its rollout to ${environment}`, `等待发布到 ${environment}`)];
    case 'rolling-out':
    case 'rolling-back': {
      const ready = progress ? ` (${progress.ready}/${progress.wanted})` : '';
      return [
        wait(
          'rollout',
          environment,
          `${status === 'rolling-back' ? 'the rollback' : 'the rollout'} to ${environment}${ready}`,
          `正在${status === 'rolling-back' ? '回滚' : '发布'}到 ${environment}${ready}`,
        ),
      ];
    }
    case 'voided':
      // Void without a request: nobody could be asked as things are (a secret, a target missing); it is asked once that is there.
      return request || !reason
        ? []
        : [
            wait(
              'blocked',
              environment,
              `${environment} to be ready for it: ${reason.message}`,
              `${environment} 尚不满足条件：${reason.message}`,
              { reason },
            ),
          ];
    default:
      return [];
  }
}

/** The environments it may go to now and has not come to. */
function forNext(state: ReleaseState, { file, held = [] }: Around): Wait[] {
  if (!file) return [];
  const begun = new Set(state.environments.map(({ environment }) => environment));
  const next = nextEnvironments(file, state.release.ref, passedBy(state)).filter(({ name }) => !begun.has(name));
  return next.map(({ name, stage }) => {
    const hold = held.find(({ environment }) => environment === name);
    if (hold)
      return wait('held', name, `${hold.by.name} to let go of ${name}`, `等待 ${hold.by.name} 释放 ${name}`, {
        people: [hold.by],
        ...(hold.until ? { until: hold.until } : {}),
      });
    return stage === 'test'
      ? wait('deployment', name, `its turn in ${name}`, `等待部署到 ${name}`)
      : wait('request', name, `being asked for in ${name}`, `等待发起 ${name} 的签核`);
  });
}

/** The environments a release has passed: verified in, or live. What was live and was replaced has passed too. */
export function passedBy(state: ReleaseState): Set<string> {
  return new Set(state.environments.filter(({ status }) => status === 'passed' || status === 'live').map(({ environment }) => environment));
}

function atTheEnd(state: ReleaseState, { file }: Around): Wait[] {
  const stopped = state.environments.filter(({ status }) => status !== 'passed' && status !== 'live');
  const live = state.environments.filter(({ status, runs }) => status === 'live' && runs);
  const last = new Set(file ? lastEnvironments(file, state.release.ref).map(({ name }) => name) : []);
  const ends = live.filter(({ environment }) => last.has(environment));
  const arrived = (ends.length > 0 ? ends : live).map(({ environment }) =>
    wait('live', environment, `nothing: it is live in ${environment}`, `已在 ${environment} 上线`),
  );
  if (stopped.length > 0)
    return [...stopped.map((each) => ended(each.environment, each.reason ?? { code: each.status, message: each.status })), ...arrived];
  if (arrived.length > 0) return arrived;
  const replaced = state.environments.find(({ status, runs }) => status === 'live' && !runs);
  if (replaced)
    return [
      ended(
        replaced.environment,
        { code: 'replaced', message: `release ${replaced.replacedBy ?? 'another'} runs there now` },
        `现由版本 ${replaced.replacedBy ?? ''} 运行`,
      ),
    ];
  if (!file) return [ended(null, { code: 'project-removed', message: 'the project was removed' }, '项目已移除')];
  const { ref } = state.release;
  if (promotionPath(file, ref).length === 0)
    return [ended(null, { code: 'not-accepted', message: `no environment accepts ${ref}` }, `没有环境接受 ${ref}`)];
  return [ended(null, { code: 'end-of-path', message: `no further environment accepts ${ref}` }, `没有后续环境接受 ${ref}`)];
}

/** A part that is away goes before what waits for it. */
function withAway(waits: Wait[], { away = [] }: ReleaseState): Wait[] {
  const concerned = away.filter(
    ({ environment }) => environment === null || waits.some((each) => each.environment === environment && each.code !== 'ended'),
  );
  return [
    ...concerned.map((part) => {
      const { en, zh } = awaitedWords(part);
      return wait('away', part.environment, en, zh, { since: part.since });
    }),
    ...waits,
  ];
}
