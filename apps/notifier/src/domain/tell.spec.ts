import { ResolvedDeployment } from '@slipway/contracts';
import { deployAgain } from '@slipway/release';
import { anId, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { asHtml, asSubject, asText, type Language } from './message.js';
import { messageOf, type Telling } from './tell.js';

const publicUrl = 'https://slipway.example';
const release = aRelease({ project: 'shop', number: 42, revision: 'c0ffee00c0ffee00' });
const newer = aRelease({ project: 'shop', number: 43 });
const image = { repository: 'r', digest: `sha256:${'a'.repeat(64)}` };
const by = { id: anId(), name: 'Tess' };
const check = {
  check: 'GET /',
  outcome: 'failed' as const,
  message: 'expected 200, got 500 <img onerror>',
  seconds: 0.1,
  output: ['at line 7'],
};
const said = { code: 'never-healthy', message: 'web-1 never answered' };
const changed = { code: 'changed', message: 'release 41 runs in pre-release now' };
const here = { release, environment: 'test', authors: [] };
const rollout = {
  rollout: anId(),
  kind: 'rollout' as const,
  stage: 'production' as const,
  next: 'rollback' as const,
  release,
  environment: 'production',
  authors: [],
};
const asked = {
  ...{ request: anId(), release, environment: 'pre-release', authors: [], asks: 'a'.repeat(64), eligible: [by], involved: [] },
  deployment: {} as ResolvedDeployment,
  require: [
    { role: 'tester' as const, count: 1 },
    { role: 'operator' as const, count: 2 },
  ],
  missing: ['1 more tester', '2 more operators'],
  unmatched: [{ name: 'x', email: null, account: null }],
  soakUntil: null,
  expiresAt: '2026-11-30T05:00:00.000Z',
  newerAvailable: null,
  inTest: { environment: 'test', address: 'http://127.0.0.1:20000', release: newer, image },
  deployAgain: deployAgain(release, 'test'),
  change: {
    since: { number: 40, revision: 'f00d', image },
    commits: [{ release: 42, revision: 'c0ffee00c0ffee00', author: 'Ann', title: 'Sell hats' }],
    total: 3,
    settings: [{ en: 'app.env.MODE was added: fast', zh: '新增 app.env.MODE：fast' }],
  },
  previous: { request: anId(), reason: { code: 'expired', message: 'the earlier request was expired' }, by: null },
};

const kinds: Readonly<Record<Telling['template'], Telling>> = {
  'build.failed': {
    template: 'build.failed',
    data: {
      release,
      attempt: 1,
      reason: { code: 'build-failed', message: 'exit code 1' },
      step: 'RUN make',
      logTail: ['no rule'],
      seconds: 1,
      authors: [],
    },
  },
  'deployment.failed': {
    template: 'deployment.failed',
    data: { ...here, deployment: anId(), attempt: 1, reason: said, evidence: [check] },
  },
  'verification.failed': {
    template: 'verification.failed',
    data: { ...here, deployment: anId(), image, address: 'http://127.0.0.1:20000', evidence: [check], seconds: 1 },
  },
  'approval.requested': { template: 'approval.requested', data: asked },
  'approval.rejected': {
    template: 'approval.rejected',
    data: { request: asked.request, release, environment: 'pre-release', by, comment: '购物车是空的', authors: [] },
  },
  'approval.voided': {
    template: 'approval.voided',
    data: { request: asked.request, release, environment: 'pre-release', reason: changed, changed: [], signedBy: [by] },
  },
  'approval.superseded': {
    template: 'approval.superseded',
    data: { request: asked.request, release, environment: 'pre-release', by: newer, signedBy: [by] },
  },
  'rollout.failed': { template: 'rollout.failed', data: { ...rollout, reason: said, evidence: [] } },
};
const mail = (template: Telling['template'], language: Language) => {
  const message = messageOf(kinds[template], language, publicUrl);
  return `${asSubject(message.subject)}\n\n${asText(message)}`;
};

describe('what people are told', () => {
  it('says what failed and where, and links to a page a browser opens', () => {
    const text = mail('verification.failed', 'en');
    for (const part of ['shop/42', 'GET /', 'expected 200, got 500', 'at line 7', 'https://slipway.example/releases/shop/42'])
      expect(text).toContain(part);
  });

  it('shows who is asked what changes, what runs in test, and what to type', () => {
    expect(mail('approval.requested', 'en')).toMatchInlineSnapshot(`
      "shop/42 asks to go to pre-release

      You may sign shop/42 off for pre-release, or send it back with a reason.

      Release: shop/42
      Revision: c0ffee00c0ffee00
      Environment: pre-release
      Still missing: 1 more tester; 2 more operators
      Open until: 2026-11-30T05:00:00.000Z
      In test now: shop/43
      Look at it: http://127.0.0.1:20000
      It was asked before: the earlier request was expired

      Commits
        c0ffee00c0ff  Ann: Sell hats
        and 2 more

      What changes
        app.env.MODE was added: fast

      To have it in test again for a look
        slipway environment deploy shop test --release shop/42 --reason "look at it again"

      On the command line
        slipway approve shop/42 pre-release
        slipway reject shop/42 pre-release --comment "why it goes back"

      Open it in Slipway: https://slipway.example/releases/shop/42
      "
    `);
  });

  it('names the build itself where nothing took its place, and nothing where nothing runs', () => {
    const text = (inTest: typeof asked.inTest | null) =>
      asText(messageOf({ template: 'approval.requested', data: { ...asked, inTest, deployAgain: null } }, 'en', publicUrl));
    expect(text({ ...asked.inTest, release })).not.toMatch(/In test now|again for a look/);
    expect(text(null)).toContain('In test now: nothing');
  });

  it('tells who signed why that counts no more, and what goes instead or runs there already', () => {
    expect(mail('approval.voided', 'en')).toContain('no longer stands: release 41 runs in pre-release now.');
    expect(mail('approval.superseded', 'en')).toContain('shop/43 goes to pre-release instead of what you signed off.');
    const { data } = kinds['approval.superseded'] as Extract<Telling, { template: 'approval.superseded' }>;
    const text = (language: Language) =>
      asText(messageOf({ template: 'approval.superseded', data: { ...data, runs: true } }, language, publicUrl));
    expect(text('en')).toContain('shop/43 runs in pre-release already');
    expect(text('zh')).toContain('pre-release 已在运行 shop/43');
  });

  it('says in Chinese why an earlier request ended', () => {
    const previous = { request: anId(), reason: { code: 'changed', message: 'the earlier request was voided: x' }, by: null };
    const text = asText(messageOf({ template: 'approval.requested', data: { ...asked, previous } }, 'zh', publicUrl));
    expect(text).toContain('此前的申请: 申请的内容已改变');
  });

  it('shows what others wrote as text, never as HTML', () => {
    expect(asHtml(messageOf(kinds['verification.failed'], 'en', publicUrl), 'en')).not.toContain('<img');
  });

  it('keeps a subject on one line', () => {
    expect(asSubject('a\r\nBcc: everybody@example.org')).toBe('a Bcc: everybody@example.org');
  });
});

describe('in Chinese', () => {
  it.each(Object.keys(kinds) as Telling['template'][])('%s', (template) => {
    expect(mail(template, 'zh')).toMatchSnapshot();
  });

  it.each(Object.keys(kinds) as Telling['template'][])('%s has no English of ours', (template) => {
    const quoted = [
      ...[
        'exit code 1',
        'RUN make',
        'no rule',
        said.message,
        changed.message,
        check.message,
        check.check,
        ...check.output,
        'Ann: Sell hats',
        'Tess',
      ],
      ...['https://slipway.example/releases/shop/42', 'http://127.0.0.1:20000', asked.expiresAt, 'c0ffee00c0ffee00', 'c0ffee00c0ff'],
      ...['pre-release', 'production', 'test', 'shop/42', 'shop/43', 'app.env.MODE', 'fast', 'Slipway'],
    ];
    const commands = /^ {2}slipway .*$/gm;
    const left = quoted.reduce((text, each) => text.replaceAll(each, ''), mail(template, 'zh').replaceAll(commands, ''));
    expect(left).not.toMatch(/[A-Za-z]{2}/);
  });
});
