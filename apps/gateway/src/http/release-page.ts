import { pageStyle } from './docs-page.js';

const words = {
  en: {
    what: (project: string, number: string) => `Release ${number} of project ${project}.`,
    secret:
      'What it is and where it stands is shown to who signed in. There are no pages for that yet: use the command line, where Slipway was set up for you.',
    see: 'See it',
    sign: 'Sign it off, or send it back',
    signNote: 'Each shows what is asked before it asks you to confirm.',
    why: 'why it goes back',
    login: 'Not signed in yet?',
    api: 'For programs',
  },
  zh: {
    what: (project: string, number: string) => `项目 ${project} 的版本 ${number}。`,
    secret: '它的内容和进展只向已登录的人显示。目前还没有相应的网页：请使用命令行，在为您安装了 Slipway 的地方执行。',
    see: '查看',
    sign: '批准或退回',
    signNote: '每个命令都会先显示待批准的内容，再请您确认。',
    why: '退回的原因',
    login: '还没有登录？',
    api: '供程序使用',
  },
} as const;

export type PageLanguage = keyof typeof words;

/** The language of a page, by Accept-Language (RFC 9110, 12.5.4): Chinese where it is wanted before English, else English. */
export function pageLanguage(header: string | undefined): PageLanguage {
  const wanted = (header ?? '')
    .split(',', 20)
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const quality = Number(/^\s*q=([\d.]+)\s*$/.exec(parameters.join(';'))?.[1] ?? 1);
      return { language: tag.split('-')[0] ?? '', quality };
    })
    .filter(({ language, quality }) => quality > 0 && (language === 'en' || language === 'zh'))
    .toSorted((one, other) => other.quality - one.quality);
  return wanted[0]?.language === 'zh' ? 'zh' : 'en';
}

export interface ReleasePage {
  /** As the address names it: a name and digits, so that nothing in it needs escaping. */
  readonly project: string;
  readonly number: string;
  readonly language: PageLanguage;
  /** Where people reach Slipway, where that is set. */
  readonly publicUrl: string | undefined;
}

/**
 * Where links in mails lead: which release it is and what to type, and nothing that the address does not say already. The same whether there is such
 * a release or not, as nobody is signed in here.
 */
export function releasePage({ project, number, language, publicUrl }: ReleasePage, nonce: string): string {
  const say = words[language];
  const name = `${project}/${number}`;
  const url = publicUrl === undefined ? '' : ` --url ${new URL(publicUrl).origin}`;
  const html = language === 'zh' ? 'zh-Hans' : 'en';
  return `<!doctype html><html lang="${html}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name} · Slipway</title>
<style nonce="${nonce}">${pageStyle}</style></head><body><h1>${name}</h1>
<p>${say.what(project, number)} ${say.secret}</p>
<h2>${say.see}</h2><pre>slipway release show ${name}
slipway release watch ${name}</pre>
<h2>${say.sign}</h2><pre>slipway approve ${name}
slipway reject ${name} --comment "${say.why}"</pre><p>${say.signNote}</p>
<h2>${say.login}</h2><pre>slipway login${url}</pre>
<h2>${say.api}</h2><p><a href="/api/docs#getReleaseByNumber">GET /api/v1/releases/${name}</a></p></body></html>`;
}
