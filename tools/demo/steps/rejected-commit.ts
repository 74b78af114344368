import { type Demo, NotSeen, releaseOf, type Step, step } from '../demo.ts';
import { detailOf, waitFor, waitForEvent, waitForRequest } from '../watch.ts';
import { mailTo, untouched } from './broken-commit.ts';
import { imageInRegistry, push } from './pushing.ts';

/** Commit 3 works, but the tester sends it back and says why. */
export const rejectedCommit: Step = step({
  title: 'Commit 3 works, but the tester sends it back with a reason',
  run: async (demo) => {
    await push(demo, demo.cast.dana, { commit: 3, message: 'Repair the basket, hide the prices' });
    await imageInRegistry(demo, 3);
    await waitForEvent(demo, releaseOf(demo, 3), 'verification.passed');
    const request = await waitForRequest(demo, releaseOf(demo, 3), 'pre-release');
    const mailsBefore = demo.mailbox.mails.length;
    const usual = 'The prices are missing on the start page.';
    const reason =
      (await demo.ask(`Tess Tester: why do you send release ${releaseOf(demo, 3).number} back? [${usual}] `, usual)).trim() || usual;
    await demo.cast.tess.api.signOff({ params: { id: request.request }, body: { decision: 'reject', comment: reason } });
    await waitForEvent(demo, releaseOf(demo, 3), 'approval.rejected', 'pre-release');
    return { mailsBefore, reason };
  },
  check: async (demo, { mailsBefore, reason }) => {
    const mail = await mailTo(demo, demo.cast.dana.email, mailsBefore, (one) => one.text.includes(reason));
    await reasonInTimeline(demo, reason);
    await untouched(demo);
    return `mail to ${mail.to.join(', ')}: “${mail.subject}”; the timeline has the reason; production still runs commit 1`;
  },
});

async function reasonInTimeline(demo: Demo, reason: string): Promise<void> {
  const found = await waitFor(
    demo,
    'the reason in the timeline',
    async () => {
      const { timeline } = await detailOf(demo, releaseOf(demo, 3));
      return timeline.find((entry) => entry.event === 'approval.rejected' && entry.en.includes(reason));
    },
    15_000,
  );
  if (!found.en.includes(demo.cast.tess.name) && found.by !== demo.cast.tess.name)
    throw new NotSeen('the timeline does not say who sent it back');
}
