import type {
  ApprovalExpired,
  ApprovalRejected,
  ApprovalRequested,
  BuildFailed,
  CheckResult,
  DataOf,
  DeploymentFailed,
  Release,
  RolloutFailed,
  RolloutRolledBack,
  RolloutSucceeded,
  VerificationFailed,
} from '@slipway/contracts';
import type { Language, Message } from './message.js';

/** What people are told about, and with what. */
export type Telling =
  | { readonly template: 'build.failed'; readonly data: DataOf<typeof BuildFailed> }
  | { readonly template: 'deployment.failed'; readonly data: DataOf<typeof DeploymentFailed> }
  | { readonly template: 'verification.failed'; readonly data: DataOf<typeof VerificationFailed> }
  | { readonly template: 'approval.requested'; readonly data: DataOf<typeof ApprovalRequested> }
  | { readonly template: 'approval.rejected'; readonly data: DataOf<typeof ApprovalRejected> }
  | { readonly template: 'approval.expired'; readonly data: DataOf<typeof ApprovalExpired> }
  | { readonly template: 'rollout.failed'; readonly data: DataOf<typeof RolloutFailed> }
  | { readonly template: 'rollout.rolled-back'; readonly data: DataOf<typeof RolloutRolledBack> }
  | { readonly template: 'rollout.succeeded'; readonly data: DataOf<typeof RolloutSucceeded> };

export type Template = Telling['template'];

interface Words {
  readonly release: string;
  readonly revision: string;
  readonly environment: string;
  readonly reason: string;
  readonly by: string;
  readonly until: string;
  readonly address: string;
  readonly missing: string;
  readonly open: string;
  readonly log: string;
  readonly step: string;
}

const words: Record<Language, Words> = {
  en: {
    release: 'Release',
    revision: 'Revision',
    environment: 'Environment',
    reason: 'Reason',
    by: 'By',
    until: 'Open until',
    address: 'Look at it',
    missing: 'Still missing',
    open: 'Open it in Slipway',
    log: 'End of the log',
    step: 'Step',
  },
  zh: {
    release: '发布',
    revision: '修订',
    environment: '环境',
    reason: '原因',
    by: '由',
    until: '有效期至',
    address: '查看',
    missing: '尚缺',
    open: '在 Slipway 中打开',
    log: '日志末尾',
    step: '步骤',
  },
};

/** Puts what happened into words for one person. `publicUrl` is where people reach Slipway. */
export function messageOf(telling: Telling, language: Language, publicUrl: string): Message {
  const word = words[language];
  const { release } = telling.data;
  const name = `${release.project}/${release.number}`;
  const say = (en: string, zh: string) => (language === 'zh' ? zh : en);
  const environment = 'environment' in telling.data ? telling.data.environment : '';
  const base = {
    facts: [
      [word.release, name] as const,
      [word.revision, release.revision] as const,
      ...(environment ? [[word.environment, environment] as const] : []),
    ],
    details: [],
    link: { text: word.open, url: linkTo(publicUrl, release) },
  };
  switch (telling.template) {
    case 'build.failed': {
      const { reason, step, logTail } = telling.data;
      const lead = say(`The image of ${name} could not be built: ${reason.message}`, `${name} 的镜像构建失败：${reason.message}`);
      const facts = [...base.facts, ...(step === null ? [] : [[word.step, step] as const])];
      return {
        ...base,
        subject: say(`Build of ${name} failed`, `${name} 构建失败`),
        lead,
        facts,
        details: logTail.length > 0 ? [{ heading: word.log, lines: logTail }] : [],
      };
    }
    case 'deployment.failed':
      return {
        ...base,
        subject: say(`${name} did not start in ${environment}`, `${name} 未能在 ${environment} 启动`),
        lead: say(
          `${name} did not become healthy in ${environment}: ${telling.data.reason.message}`,
          `${name} 在 ${environment} 中未能正常运行：${telling.data.reason.message}`,
        ),
        details: checks(telling.data.evidence),
      };
    case 'verification.failed': {
      const failed = telling.data.evidence.filter((check) => check.outcome !== 'passed');
      const first = failed[0] ? `${failed[0].check}: ${failed[0].message}` : '';
      return {
        ...base,
        subject: say(`${name} failed its checks in ${environment}`, `${name} 在 ${environment} 的检查未通过`),
        lead: say(
          `${name} runs in ${environment}, but its checks said no. ${first}`,
          `${name} 已在 ${environment} 运行，但检查未通过。${first}`,
        ),
        facts: [...base.facts, [word.address, telling.data.address]],
        details: checks(failed),
      };
    }
    case 'approval.requested': {
      const { missing, expiresAt, inTest, previous } = telling.data;
      const facts = [
        ...base.facts,
        [word.missing, missing.join('; ')] as const,
        [word.until, expiresAt] as const,
        ...(inTest ? [[word.address, inTest.address] as const] : []),
      ];
      return {
        ...base,
        subject: say(`${name} asks to go to ${environment}`, `${name} 申请进入 ${environment}`),
        lead: say(
          `You may sign ${name} off for ${environment}, or send it back with a reason.`,
          `您可以批准 ${name} 进入 ${environment}，或附上原因退回。`,
        ),
        facts: previous ? [...facts, [word.reason, previous.reason.message]] : facts,
      };
    }
    case 'approval.rejected':
      return {
        ...base,
        subject: say(`${name} was sent back`, `${name} 被退回`),
        lead: say(
          `${telling.data.by.name} did not let ${name} into ${environment}: ${telling.data.comment}`,
          `${telling.data.by.name} 未批准 ${name} 进入 ${environment}：${telling.data.comment}`,
        ),
        facts: [...base.facts, [word.by, telling.data.by.name], [word.reason, telling.data.comment]],
      };
    case 'approval.expired':
      return {
        ...base,
        subject: say(`Nobody decided on ${name} in time`, `${name} 的审批已过期`),
        lead: say(
          `The sign-off of ${name} for ${environment} has expired. Ask anew when it is still wanted.`,
          `${name} 进入 ${environment} 的审批已过期；如仍需要，请重新申请。`,
        ),
        facts: [...base.facts, [word.missing, telling.data.missing.join('; ')]],
      };
    case 'rollout.failed':
      return {
        ...base,
        subject: say(`${name} failed in ${environment}`, `${name} 在 ${environment} 上线失败`),
        lead: say(
          `${name} did not become healthy in ${environment}: ${telling.data.reason.message}`,
          `${name} 在 ${environment} 中未能正常运行：${telling.data.reason.message}`,
        ),
        details: checks(telling.data.evidence),
      };
    case 'rollout.rolled-back': {
      const { from, reason } = telling.data;
      const left = from ? `${from.project}/${from.number}` : '';
      return {
        ...base,
        subject: say(`${environment} went back to ${name}`, `${environment} 已回滚到 ${name}`),
        lead: say(
          `${environment} runs ${name} again${left && ` instead of ${left}`}: ${reason.message}`,
          `${environment} 重新运行 ${name}${left && `，替换 ${left}`}：${reason.message}`,
        ),
      };
    }
    case 'rollout.succeeded':
      return {
        ...base,
        subject: say(`${name} is live in ${environment}`, `${name} 已在 ${environment} 上线`),
        lead: say(
          `${name} serves in ${environment} with ${telling.data.instances} instances.`,
          `${name} 已在 ${environment} 以 ${telling.data.instances} 个实例提供服务。`,
        ),
        facts: [...base.facts, [word.address, telling.data.address]],
      };
  }
}

function linkTo(publicUrl: string, { project, number }: Release): string {
  return new URL(`/api/v1/releases/${encodeURIComponent(project)}/${number}`, publicUrl).href;
}

function checks(evidence: readonly CheckResult[]): { heading: string; lines: readonly string[] }[] {
  return evidence.slice(0, 10).map(({ check, message, output }) => ({ heading: check, lines: [message, ...output.slice(-20)] }));
}
