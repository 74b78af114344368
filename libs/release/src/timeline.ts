import type { AnyEvent, DataOf, PersonReference } from '@slipway/contracts';
import { partWords } from './away.js';
import { inOrder, type Told } from './event-order.js';

/** A sentence in the languages the product speaks. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** One line of a release's story. */
export interface TimelineEntry {
  /** The id of the event it tells. */
  readonly id: string;
  readonly at: string;
  readonly name: AnyEvent['name'];
  readonly environment: string | null;
  /** The person who decided it, where one did. */
  readonly by: PersonReference | null;
  readonly text: Words;
}

type Named<N extends AnyEvent['name']> = DataOf<Extract<AnyEvent, { name: N }>>;
type Sentences = { readonly [N in AnyEvent['name']]?: (data: Named<N>) => Words };

/** What each event says in the story of a release. What is not here (logs, progress, notes) is no line of it. */
const sentences: Sentences = {
  'commit.detected': ({ release, range }) =>
    say(
      `release ${release.number} born from ${release.revision.slice(0, 12)} with ${count(range.total, 'commit')}`,
      `版本 ${release.number} 产生于 ${release.revision.slice(0, 12)}，含 ${range.total} 个提交`,
    ),
  'build.started': ({ attempt }) =>
    say(`build started${attempt > 1 ? `, attempt ${attempt}` : ''}`, `开始构建${attempt > 1 ? `（第 ${attempt} 次）` : ''}`),
  'image.built': ({ built, image, seconds }) =>
    built
      ? say(`image ${digest(image)} built in ${whole(seconds)}`, `镜像 ${digest(image)} 构建完成，用时 ${whole(seconds)}`)
      : say(`image ${digest(image)} known already, nothing to build`, `镜像 ${digest(image)} 已存在，无需构建`),
  'build.failed': ({ reason }) => say(`build failed: ${reason.message}`, `构建失败：${reason.message}`),
  'build.cancelled': ({ reason }) => say(`build cancelled: ${reason.message}`, `构建已取消：${reason.message}`),
  'deployment.started': ({ environment }) => say(`being deployed to ${environment}`, `正在部署到 ${environment}`),
  'deployment.succeeded': ({ environment, instances, seconds }) =>
    say(
      `runs in ${environment} with ${count(instances, 'instance')} after ${whole(seconds)}`,
      `已在 ${environment} 运行，${instances} 个实例，用时 ${whole(seconds)}`,
    ),
  'deployment.failed': ({ environment, reason }) =>
    say(`did not become healthy in ${environment}: ${reason.message}`, `在 ${environment} 未能就绪：${reason.message}`),
  'verification.passed': ({ environment, evidence }) =>
    say(`verified in ${environment}, ${count(evidence.length, 'check')} passed`, `在 ${environment} 验证通过，${evidence.length} 项检查`),
  'verification.failed': ({ environment, evidence }) =>
    say(`verification failed in ${environment}: ${failed(evidence)}`, `在 ${environment} 验证失败：${failed(evidence)}`),
  'approval.requested': ({ environment }) => say(`sign-off asked for ${environment}`, `请求签核进入 ${environment}`),
  'sign-off.accepted': ({ person, decision, environment, comment }) =>
    decision === 'approve'
      ? say(`${person.name} signed off for ${environment}${tail(comment)}`, `${person.name} 签核同意进入 ${environment}${tail(comment)}`)
      : say(`${person.name} said no for ${environment}${tail(comment)}`, `${person.name} 拒绝进入 ${environment}${tail(comment)}`),
  'sign-off.refused': ({ person, reason }) =>
    say(
      `a sign-off${person ? ` by ${person.name}` : ''} did not count: ${reason.message}`,
      `${person ? `${person.name} 的` : ''}签核无效：${reason.message}`,
    ),
  'approval.granted': ({ environment, byPolicy, reissued }) =>
    say(
      `${reissued ? 'grant reissued' : byPolicy ? 'granted by policy' : 'granted'} for ${environment}`,
      `${reissued ? '重新签发' : byPolicy ? '按策略' : ''}准许进入 ${environment}`,
    ),
  'approval.rejected': ({ environment, by, comment }) =>
    say(`rejected for ${environment} by ${by.name}${tail(comment)}`, `${by.name} 驳回进入 ${environment}${tail(comment)}`),
  'approval.expired': ({ environment }) => say(`nobody decided in time about ${environment}`, `${environment} 的签核已过期`),
  'approval.superseded': ({ environment, by, runs }) =>
    runs
      ? say(
          `does not go to ${environment}: release ${by.number} runs there already`,
          `不再进入 ${environment}：版本 ${by.number} 已在其中运行`,
        )
      : say(`release ${by.number} goes to ${environment} instead`, `${environment} 由版本 ${by.number} 取代`),
  'approval.voided': ({ environment, reason, unasked }) =>
    unasked
      ? say(`cannot be asked for ${environment} yet: ${reason.message}`, `${environment} 暂时无法发起签核：${reason.message}`)
      : say(`sign-off for ${environment} void: ${reason.message}`, `${environment} 的签核失效：${reason.message}`),
  'release.withdrawn': ({ by, reason }) => say(`withdrawn by ${by.name}${tail(reason)}`, `由 ${by.name} 撤回${tail(reason)}`),
  'image.retired': ({ image, rule }) =>
    say(
      `image ${digest(image)} is kept no longer: not used for ${count(rule.days, 'day')}, nor one of the ${rule.newest} newest of an environment`,
      `不再保留镜像 ${digest(image)}：${rule.days} 天未使用，且不在任何环境最近的 ${rule.newest} 个之内`,
    ),
  'image.removed': ({ image, refused }) =>
    refused
      ? say(`the registry keeps image ${digest(image)}: ${refused.message}`, `镜像仓库仍保留 ${digest(image)}：${refused.message}`)
      : say(`image ${digest(image)} removed from the registry`, `镜像 ${digest(image)} 已从镜像仓库删除`),
  'part.away': ({ environment, part, since, reason }) => {
    const { en, zh } = partWords(part, environment);
    return say(`waits for ${en}, which has not answered since ${since}: ${reason}`, `等待${zh}，自 ${since} 起无响应：${reason}`);
  },
  'part.back': ({ environment, part, afterSeconds }) => {
    const { en, zh } = partWords(part, environment);
    return say(`goes on without waiting for ${en}, after ${whole(afterSeconds)}`, `不再等待${zh}，历时 ${whole(afterSeconds)}`);
  },
  'rollout.started': ({ environment, kind, replaces }) =>
    say(
      `${kind} to ${environment} started${replaces ? `, replacing release ${replaces.number}` : ''}`,
      `开始${kind === 'rollback' ? '回滚' : '发布'}到 ${environment}${replaces ? `，替换版本 ${replaces.number}` : ''}`,
    ),
  'rollout.succeeded': ({ environment, seconds }) =>
    say(`live in ${environment} after ${whole(seconds)}`, `已在 ${environment} 上线，用时 ${whole(seconds)}`),
  'rollout.failed': ({ environment, reason }) =>
    say(`rollout to ${environment} failed: ${reason.message}`, `发布到 ${environment} 失败：${reason.message}`),
  'rollout.aborted': ({ environment, reason }) =>
    say(`rollout to ${environment} ended: ${reason.message}`, `发布到 ${environment} 中止：${reason.message}`),
  'rollout.rolled-back': ({ environment, release, from, reason }) =>
    say(
      `${environment} went back to release ${release.number}${from ? ` from ${from.number}` : ''}: ${reason.message}`,
      `${environment} 回滚到版本 ${release.number}${from ? `（原版本 ${from.number}）` : ''}：${reason.message}`,
    ),
};

/** The story of a release, oldest first: one line for each event that tells something people want to read. */
export function timelineOf(events: Iterable<Told>): TimelineEntry[] {
  const requests = new Set<string>();
  return inOrder(events).flatMap((event) => {
    // A request is said again whenever its view changes; its first time is the story.
    if (event.name === 'approval.requested') {
      if (requests.has(event.data.request)) return [];
      requests.add(event.data.request);
    }
    const sentence = sentences[event.name] as ((data: Told['data']) => Words) | undefined;
    return sentence
      ? [
          {
            id: event.id,
            at: event.time,
            name: event.name,
            environment: environmentIn(event),
            by: personIn(event),
            text: sentence(event.data),
          },
        ]
      : [];
  });
}

function environmentIn(event: Told): string | null {
  const { environment } = event.data as { environment?: unknown };
  return typeof environment === 'string' ? environment : null;
}

function personIn(event: Told): PersonReference | null {
  if (event.name === 'sign-off.accepted' || event.name === 'sign-off.refused') return event.data.person;
  if (event.name === 'approval.rejected' || event.name === 'release.withdrawn' || event.name === 'rollout.rolled-back')
    return event.data.by;
  return event.name === 'commit.detected' ? event.data.trigger.person : null;
}

function say(en: string, zh: string): Words {
  return { en, zh };
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

function whole(seconds: number): string {
  return seconds < 10 ? `${Math.round(seconds * 10) / 10} s` : `${Math.round(seconds)} s`;
}

function digest(image: { digest: string }): string {
  return image.digest.slice(7, 19);
}

function tail(comment: string): string {
  return comment ? `: ${comment}` : '';
}

function failed(evidence: readonly { check: string; outcome: string }[]): string {
  return evidence
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ check }) => check)
    .join(', ');
}
