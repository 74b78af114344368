import type {
  ApprovalRejected,
  ApprovalSuperseded,
  ApprovalVoided,
  BuildFailed,
  CheckResult,
  DataOf,
  DeploymentFailed,
  RolloutFailed,
  VerificationFailed,
} from '@slipway/contracts';
import { type Asking, asking } from './asking.js';
import type { Language, Message } from './message.js';
import { reasonInChinese } from './reasons.js';
import { type Frame, frameOf } from './wording.js';

/** What people are told about by mail, and with what. */
export type Telling =
  | { readonly template: 'build.failed'; readonly data: DataOf<typeof BuildFailed> }
  | { readonly template: 'deployment.failed'; readonly data: DataOf<typeof DeploymentFailed> }
  | { readonly template: 'verification.failed'; readonly data: DataOf<typeof VerificationFailed> }
  | { readonly template: 'approval.requested'; readonly data: Asking }
  | { readonly template: 'approval.rejected'; readonly data: DataOf<typeof ApprovalRejected> }
  | { readonly template: 'approval.voided'; readonly data: DataOf<typeof ApprovalVoided> }
  | { readonly template: 'approval.superseded'; readonly data: DataOf<typeof ApprovalSuperseded> }
  | { readonly template: 'rollout.failed'; readonly data: DataOf<typeof RolloutFailed> };

export type Template = Telling['template'];

/** Puts what happened into words for one person. `publicUrl` is where people reach Slipway. */
export function messageOf(telling: Telling, language: Language, publicUrl: string): Message {
  const frame = frameOf(telling.data, language, publicUrl);
  if (telling.template === 'approval.requested') return asking(telling.data, frame);
  const told = happened(telling, frame);
  const commands = { heading: frame.word.commands, lines: [`slipway release show ${frame.name}`] };
  return { link: frame.link, facts: frame.facts, ...told, details: [...told.details, commands] };
}

type Happened = Exclude<Telling, { template: 'approval.requested' }>;
type Told = Pick<Message, 'subject' | 'lead' | 'details'> & Partial<Pick<Message, 'facts'>>;

function happened(telling: Happened, frame: Frame): Told {
  const { name, word, say, facts } = frame;
  switch (telling.template) {
    case 'build.failed': {
      const { reason, step, logTail } = telling.data;
      return {
        subject: say(`Build of ${name} failed`, `${name} 构建失败`),
        lead: say(`The image of ${name} could not be built: ${reason.message}`, `${name} 的镜像构建失败：${reasonInChinese(reason)}。`),
        facts: step === null ? facts : [...facts, [word.step, step]],
        details: [...quoted(reason.message, frame), ...(logTail.length > 0 ? [{ heading: word.log, lines: logTail }] : [])],
      };
    }
    case 'deployment.failed': {
      const { environment, reason, evidence } = telling.data;
      const subject = say(`${name} did not start in ${environment}`, `${name} 未能在 ${environment} 启动`);
      return { subject, ...unhealthy(environment, reason, evidence, frame) };
    }
    case 'rollout.failed': {
      const { environment, reason, evidence } = telling.data;
      const subject = say(`${name} failed in ${environment}`, `${name} 在 ${environment} 上线失败`);
      return { subject, ...unhealthy(environment, reason, evidence, frame) };
    }
    case 'verification.failed': {
      const { environment, address } = telling.data;
      const failed = telling.data.evidence.filter((check) => check.outcome !== 'passed');
      const first = failed[0] ? ` ${failed[0].check}: ${failed[0].message}` : '';
      return {
        subject: say(`${name} failed its checks in ${environment}`, `${name} 在 ${environment} 的检查未通过`),
        lead: say(`${name} runs in ${environment}, but its checks said no.${first}`, `${name} 已在 ${environment} 运行，但检查未通过。`),
        facts: [...facts, [word.address, address]],
        details: checks(failed),
      };
    }
    case 'approval.rejected': {
      const { environment, by, comment } = telling.data;
      return {
        subject: say(`${name} was sent back`, `${name} 被退回`),
        lead: say(
          `${by.name} did not let ${name} into ${environment}: ${comment}`,
          `${by.name} 未批准 ${name} 进入 ${environment}：${comment}`,
        ),
        facts: [...facts, [word.by, by.name], [word.reason, comment]],
        details: [],
      };
    }
    case 'approval.voided': {
      const { environment, reason } = telling.data;
      return {
        subject: say(`Your sign-off of ${name} for ${environment} is void`, `您对 ${name} 进入 ${environment} 的签核已失效`),
        lead: say(
          `What you signed off no longer stands: ${reason.message}. If it is asked for anew, whoever may sign is asked again.`,
          `您签核的内容已不再有效：${reasonInChinese(reason)}。如重新发起，将再次通知可签核的人员。`,
        ),
        details: quoted(reason.message, frame),
      };
    }
    case 'approval.superseded': {
      const { environment, by, runs } = telling.data;
      const other = `${by.project}/${by.number}`;
      return {
        subject: say(`${name} does not go to ${environment}`, `${name} 不再进入 ${environment}`),
        lead: runs
          ? say(
              `${other} runs in ${environment} already, and only a rollback goes back.`,
              `${environment} 已在运行 ${other}，只有回滚才能退回。`,
            )
          : say(`${other} goes to ${environment} instead of what you signed off.`, `${other} 将代替您签核的版本进入 ${environment}。`),
        details: [],
      };
    }
  }
}

function unhealthy(environment: string, reason: { code: string; message: string }, evidence: readonly CheckResult[], frame: Frame) {
  const { name, say } = frame;
  return {
    lead: say(
      `${name} did not become healthy in ${environment}: ${reason.message}`,
      `${name} 在 ${environment} 中未能正常运行：${reasonInChinese(reason)}。`,
    ),
    details: [...quoted(reason.message, frame), ...checks(evidence)],
  };
}

/** What a program said is in the lead in English; in Chinese it is quoted as it is. */
function quoted(message: string, { language, word }: Frame): Message['details'] {
  return language === 'en' ? [] : [{ heading: word.details, lines: [message] }];
}

function checks(evidence: readonly CheckResult[]): Message['details'] {
  return evidence.slice(0, 10).map(({ check, message, output }) => ({ heading: check, lines: [message, ...output.slice(-20)] }));
}
