import type { ApprovalRequested, DataOf, Role } from '@slipway/contracts';
import type { Message } from './message.js';
import { reasonInChinese } from './reasons.js';
import type { Frame } from './wording.js';

export type Asking = DataOf<typeof ApprovalRequested>;

/** As many as a mail shows; the command line has the rest. */
const mostCommits = 10;
const mostSettings = 20;

const roles: Readonly<Record<Role, string>> = {
  developer: '开发人员',
  tester: '测试人员',
  operator: '运维人员',
  administrator: '管理员',
  auditor: '审计人员',
};

/** Asks somebody to sign a release off: what it brings, where to look at it, and what to type. */
export function asking(asked: Asking, { name, word, say, facts, link }: Frame): Message {
  const { environment, expiresAt, previous } = asked;
  return {
    subject: say(`${name} asks to go to ${environment}`, `${name} 申请进入 ${environment}`),
    lead: say(
      `You may sign ${name} off for ${environment}, or send it back with a reason.`,
      `您可以批准 ${name} 进入 ${environment}，或附上原因退回。`,
    ),
    facts: [
      ...facts,
      [word.missing, say(asked.missing.join('; '), neededInChinese(asked))],
      [word.until, expiresAt],
      ...looking(asked, word),
      ...(previous ? [[word.before, earlier(previous, say)] as const] : []),
    ],
    details: [
      ...changing(asked, word, say),
      ...(asked.deployAgain ? [{ heading: word.lookAgain, lines: [asked.deployAgain.command] }] : []),
      {
        heading: word.commands,
        lines: [
          `slipway approve ${name} ${environment}`,
          `slipway reject ${name} ${environment} --comment "${say('why it goes back', '退回的原因')}"`,
        ],
      },
    ],
    link,
  };
}

/** Where to look, and what is there: perhaps another build by now. */
function looking({ inTest, release }: Asking, word: Frame['word']): Message['facts'] {
  if (inTest === null) return [[word.inTest, word.nothing]];
  const address: Message['facts'] = inTest.address === '' ? [] : [[word.address, inTest.address]];
  return inTest.release.id === release.id ? address : [[word.inTest, `${inTest.release.project}/${inTest.release.number}`], ...address];
}

function changing({ change }: Asking, word: Frame['word'], say: Frame['say']): Message['details'] {
  if (!change) return [];
  const shown = change.commits.slice(0, mostCommits);
  const more = change.total - shown.length;
  const commits = [
    ...shown.map(({ revision, author, title }) => `${revision.slice(0, 12)}  ${author}: ${title}`),
    ...(more > 0 ? [say(`and ${more} more`, `另有 ${more} 个提交`)] : []),
  ];
  const settings = (change.settings ?? []).slice(0, mostSettings).map(({ en, zh }) => say(en, zh));
  return [
    ...(commits.length > 0 ? [{ heading: word.commits, lines: commits }] : []),
    ...(settings.length > 0 ? [{ heading: word.differs, lines: settings }] : []),
  ];
}

function neededInChinese({ require, unmatched }: Asking): string {
  const needed = require.map(({ role, count }) => `${count} 名${roles[role]}`);
  const more = unmatched.length === 0 ? [] : [`另加 ${unmatched.length} 人，因为有提交者无法对应到任何人`];
  return [...needed, ...more].join('、');
}

/** The earlier no in the words of who said it; what only ended, by its code. */
function earlier({ reason, by }: NonNullable<Asking['previous']>, say: Frame['say']): string {
  return by === null ? say(reason.message, reasonInChinese(reason)) : `${by.name}: ${reason.message}`;
}
