import { commitAt, waitForInstances } from '../containers.ts';
import { addressOf, type Demo, NotSeen, releaseOf, type Step, step } from '../demo.ts';
import type { Mail } from '../mailbox.ts';
import { sellingPoint } from '../sample/shop.ts';
import { waitForEvent } from '../watch.ts';
import { push } from './pushing.ts';

/** Commit 2 builds and gets healthy, but its page lacks what the shop is for. */
export const brokenCommit: Step = step({
  title: 'Commit 2 is broken: verification fails, its author gets a mail',
  run: async (demo) => {
    const mailsBefore = demo.mailbox.mails.length;
    await push(demo, demo.cast.dana, { commit: 2, message: 'Show the basket in a drawer', broken: true });
    await waitForEvent(demo, releaseOf(demo, 2), 'verification.failed');
    return mailsBefore;
  },
  check: async (demo, mailsBefore) => {
    const mail = await mailTo(demo, demo.cast.dana.email, mailsBefore, (one) => saysWhatFailed(demo, one));
    await untouched(demo);
    return `mail to ${mail.to.join(', ')}: “${mail.subject}”; production still runs commit 1`;
  },
});

/** Waits for a mail with its text and HTML halves. */
export async function mailTo(demo: Demo, to: string, after: number, matches: (mail: Mail) => boolean): Promise<Mail> {
  demo.note(`waiting: a mail to ${to}`);
  const mail = await demo.mailbox.waitFor(to, matches, { after, withinMs: 30_000, stillWorthIt: demo.end.throwIfAsked });
  if (mail === undefined) {
    const others = demo.mailbox.mails
      .slice(after)
      .map((other) => `“${other.subject}” to ${other.to.join(', ')}`)
      .join('; ');
    throw new NotSeen(`no such mail reached ${to} within 30 s; what came: ${others || 'nothing'}`);
  }
  if (mail.text === '' || mail.html === '')
    throw new NotSeen(`the mail “${mail.subject}” lacks its ${mail.text === '' ? 'text' : 'HTML'} half`);
  return mail;
}

/** Production still runs two instances of commit 1, by docker inspect and by its page. */
export async function untouched(demo: Demo): Promise<void> {
  await waitForInstances(demo, 'production', { seen: releaseOf(demo, 1), commit: 1, count: 2 });
  const shown = await commitAt(addressOf(demo, 'production'));
  if (shown !== '1') throw new NotSeen(`production shows commit ${shown}`);
}

/** It must name the release, the environment and the check that failed. */
function saysWhatFailed(demo: Demo, mail: Mail): boolean {
  const { number } = releaseOf(demo, 2);
  const text = `${mail.subject}\n${mail.text}`;
  return new RegExp(`\\b${number}\\b`).test(text) && /\btest\b/.test(text) && (text.includes(sellingPoint) || /GET \/|http \//i.test(text));
}
