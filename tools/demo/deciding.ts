import { ApiError } from '@slipway/api';
import type { Actor } from './cast.ts';
import { type Demo, NotSeen, releaseOf, type StageName } from './demo.ts';
import { postSignOff } from './sign-off.ts';
import { type Approval, requestNow, waitFor, waitForRequest } from './watch.ts';

/** Somebody signs a release off over HTTP, after being asked on the terminal. */
export async function approve(demo: Demo, person: Actor, commit: number, stage: StageName): Promise<void> {
  const request = await waitForRequest(demo, releaseOf(demo, commit), stage);
  await confirm(demo, person, request);
  await person.api.signOff({ params: { id: request.request }, body: { decision: 'approve', comment: `looked at by ${person.name}` } });
  await waitFor(demo, `${person.name}'s sign-off to count`, async () => {
    const now = await requestNow(demo, request.request);
    return now.state === 'granted' || now.signOffs.some((signOff) => signOff.person.id === person.id);
  });
}

/** Somebody signs a release off by an event of their own, posted straight to Kafka. */
export async function approveInKafka(demo: Demo, person: Actor, commit: number, stage: StageName): Promise<void> {
  const seen = releaseOf(demo, commit);
  const request = await waitForRequest(demo, seen, stage);
  await confirm(demo, person, request);
  await postSignOff(demo.parts.kafka.url, demo.names.topicPrefix, person, request, `signed with my own key, ${person.name}`);
  await waitFor(
    demo,
    `${person.name}'s sign-off to be read from Kafka`,
    async () => {
      const now = await requestNow(demo, request.request);
      const refusal = now.refusals.find((refused) => refused.person?.id === person.id);
      if (refusal !== undefined) throw new NotSeen(`the sign-off was refused: ${refusal.reason}`);
      return now.signOffs.some((signOff) => signOff.person.id === person.id && signOff.via === 'key');
    },
    30_000,
  );
}

/** Somebody who may not tries to sign off; gives the words they were refused with. */
export async function tryInVain(demo: Demo, person: Actor, commit: number, stage: StageName): Promise<string> {
  const request = await waitForRequest(demo, releaseOf(demo, commit), stage);
  try {
    await person.api.signOff({ params: { id: request.request }, body: { decision: 'approve', comment: 'it is fine, I wrote it' } });
  } catch (error) {
    if (error instanceof ApiError && [403, 409].includes(error.problem.status)) return error.problem.detail ?? error.problem.title;
    throw error;
  }
  // Answered before approval had decided: then the refusal stands in the request.
  const refused = await waitFor(demo, `${person.name}'s sign-off to be refused`, async () => {
    const now = await requestNow(demo, request.request);
    if (now.signOffs.some((signOff) => signOff.person.id === person.id))
      throw new NotSeen(`${person.name}'s sign-off of their own change was accepted`);
    return now.refusals.find((refusal) => refusal.person?.id === person.id);
  });
  return refused.reason;
}

async function confirm(demo: Demo, person: Actor, request: Approval): Promise<void> {
  const { number } = request.release;
  const answer = await demo.ask(`${person.name}: sign release ${number} off for ${request.environment}? [Y/n] `, 'y');
  if (/^n/i.test(answer.trim()))
    throw new NotSeen(`${person.name} did not sign release ${number} off for ${request.environment}, so the story ends here`);
}
