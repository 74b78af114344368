/** The languages people are told in. */
export type Language = 'en' | 'zh';

/** One thing to tell, before it is mail or anything else; plain text everywhere, escaped only where it is put into HTML. */
export interface Message {
  readonly subject: string;
  readonly lead: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** What failed and where: a heading and the lines under it. */
  readonly details: readonly { readonly heading: string; readonly lines: readonly string[] }[];
  readonly link: { readonly text: string; readonly url: string } | null;
}

/** The longest subject; mail clients cut what is longer. */
const longestSubject = 150;

/** The message as plain text. */
export function asText({ lead, facts, details, link }: Message): string {
  const parts = [
    lead,
    facts.map(([label, value]) => `${label}: ${value}`).join('\n'),
    ...details.map(({ heading, lines }) => [heading, ...lines.map((line) => `  ${line}`)].join('\n')),
  ];
  if (link) parts.push(`${link.text}: ${link.url}`);
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The message as HTML that needs nothing from outside and reads well on a phone. */
export function asHtml({ subject, lead, facts, details, link }: Message, language: Language): string {
  const rows = facts
    .map(
      ([label, value]) =>
        `<tr><th align="left" style="padding:2px 12px 2px 0;color:#666;font-weight:normal">${escaped(label)}</th><td>${escaped(value)}</td></tr>`,
    )
    .join('');
  const blocks = details
    .map(
      ({ heading, lines }) =>
        `<h3 style="margin:16px 0 4px">${escaped(heading)}</h3><pre style="background:#f4f4f4;padding:8px;white-space:pre-wrap;overflow-wrap:anywhere">${escaped(lines.join('\n'))}</pre>`,
    )
    .join('');
  const button = link ? `<p><a href="${escaped(link.url)}">${escaped(link.text)}</a></p>` : '';
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(subject)}</title></head><body style="font-family:sans-serif;max-width:640px"><p>${escaped(lead)}</p><table>${rows}</table>${blocks}${button}</body></html>`;
}

/** One line, without what a header must not have. */
export function asSubject(subject: string): string {
  const line = subject.replaceAll(/\p{C}+/gu, ' ').trim();
  return line.length > longestSubject ? `${line.slice(0, longestSubject - 1)}…` : line;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
