import type { Release } from '@slipway/contracts';
import type { Language, Message } from './message.js';

/** The labels of mails. */
interface Words {
  readonly release: string;
  readonly revision: string;
  readonly environment: string;
  readonly reason: string;
  readonly by: string;
  readonly until: string;
  readonly address: string;
  readonly missing: string;
  readonly inTest: string;
  readonly nothing: string;
  readonly open: string;
  readonly log: string;
  readonly step: string;
  readonly details: string;
  readonly commits: string;
  readonly differs: string;
  readonly before: string;
  readonly lookAgain: string;
  readonly commands: string;
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
    inTest: 'In test now',
    nothing: 'nothing',
    open: 'Open it in Slipway',
    log: 'End of the log',
    step: 'Step',
    details: 'What was said',
    commits: 'Commits',
    differs: 'What changes',
    before: 'It was asked before',
    lookAgain: 'To have it in test again for a look',
    commands: 'On the command line',
  },
  zh: {
    release: '版本',
    revision: '修订',
    environment: '环境',
    reason: '原因',
    by: '操作人',
    until: '有效期至',
    address: '查看地址',
    missing: '尚需',
    inTest: '测试环境现在运行',
    nothing: '无',
    open: '在 Slipway 中打开',
    log: '日志末尾',
    step: '步骤',
    details: '详情',
    commits: '提交',
    differs: '变更内容',
    before: '此前的申请',
    lookAgain: '如需重新部署到测试环境查看',
    commands: '命令行',
  },
};

/** What of a message is the same in every template; the rest says what happened. */
export interface Frame {
  /** `shop/42`. */
  readonly name: string;
  readonly language: Language;
  readonly word: Words;
  readonly say: (en: string, zh: string) => string;
  readonly facts: Message['facts'];
  readonly link: Message['link'];
}

/** The frame of what is told about a release, and about it in an environment where there is one. */
export function frameOf(
  { release, environment }: { release: Release; environment?: string },
  language: Language,
  publicUrl: string,
): Frame {
  const { project, number, revision } = release;
  const word = words[language];
  const name = `${project}/${number}`;
  return {
    name,
    language,
    word,
    say: (en, zh) => (language === 'zh' ? zh : en),
    facts: [
      [word.release, name],
      [word.revision, revision],
      ...(environment === undefined ? [] : [[word.environment, environment] as const]),
    ],
    link: { text: word.open, url: new URL(`/releases/${encodeURIComponent(project)}/${number}`, publicUrl).href },
  };
}
