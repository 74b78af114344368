import { eventually } from '@slipway/testkit';
import type { Lane, RestorableSuite } from './a-restorable-suite.js';

/** Where a release is, by the event that has just been said of it. */
const stages = {
  building: 'build.started',
  deploying: 'deployment.started',
  asked: 'approval.requested',
  rolling: 'approval.requested',
  live: 'approval.requested',
} as const;
export type Stage = keyof typeof stages;

/** A machine may be busy. */
const long = 300_000;

/** Waits until this was said of a release, as its timeline has it. */
async function reaches(suite: RestorableSuite, { name }: Lane, number: number, event: string): Promise<void> {
  await eventually(
    async () => {
      const { timeline } = await suite.operator.getReleaseByNumber({ params: { project: name, number } });
      return timeline.some((entry) => entry.event === event);
    },
    { within: long, every: 200 },
  );
}

/** A project for each stage, each with its first release live in production. */
export async function lanesOf(suite: RestorableSuite, names: readonly Stage[]): Promise<Map<Stage, Lane>> {
  const lanes = new Map<Stage, Lane>();
  for (const name of names) lanes.set(name, await suite.newLane('first'));
  await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, 'first')));
  return lanes;
}

/** Brings a new commit of each lane to its stage; the last ones are on their way when it returns. */
export async function bring(suite: RestorableSuite, lanes: ReadonlyMap<Stage, Lane>, page: string, number: number): Promise<void> {
  const these = (wanted: readonly Stage[]) =>
    wanted.flatMap((stage) => ({ stage, lane: lanes.get(stage) })).filter(({ lane }) => lane !== undefined);
  for (const group of [these(['live', 'asked', 'rolling']), these(['deploying', 'building'])]) {
    for (const { lane } of group) await suite.push(lane as Lane, page);
    for (const { stage, lane } of group) await reaches(suite, lane as Lane, number, stages[stage]);
    const { live } = Object.fromEntries(group.map(({ stage, lane }) => [stage, lane]));
    if (live) await serves(suite, live, page);
  }
  const rolling = lanes.get('rolling');
  if (rolling) await signAll(suite, rolling);
}

/** Signs whatever is asked of a project now. */
async function signAll(suite: RestorableSuite, { name }: Lane): Promise<number> {
  const { items } = await suite.operator.listApprovals({ query: { state: 'open', project: name } });
  for (const { request } of items) await suite.signOff(request);
  return items.length;
}

/** What production of a project answers; undefined while it does not. */
export async function pageOf(suite: RestorableSuite, lane: Lane): Promise<string | undefined> {
  const shown = await suite.operator.getEnvironment({ params: { project: lane.name, environment: 'production' } });
  const address = shown.running?.address;
  return address ? await (await fetch(address, { signal: AbortSignal.timeout(2_000) })).text() : undefined;
}

/** Signs whatever is asked of a project until this page is what production serves. */
export async function serves(suite: RestorableSuite, lane: Lane, page: string, within = long): Promise<void> {
  await eventually(
    async () => {
      const open = await signAll(suite, lane);
      const now = await pageOf(suite, lane);
      if (now !== page) throw new Error(`production of ${lane.name} says ${now}; open: ${open}`);
    },
    { within, every: 500 },
  );
}

/** What a release waits for that is at an end, or with people. */
const still = new Set(['live', 'ended', 'sign-off', 'newer-release', 'other-in-test']);

/** Every release of the projects is at an end, or waits for a person. */
export async function settled(suite: RestorableSuite, lanes: Iterable<Lane>, within = long): Promise<void> {
  for (const { name } of lanes) {
    await eventually(
      async () => {
        const { items } = await suite.operator.listReleases({ query: { project: name, limit: 200 } });
        const going = items.filter(({ waitingFor }) => waitingFor.some(({ code }) => !still.has(code)));
        if (going.length > 0) throw new Error(going.map(({ release, waitingFor }) => `${release.number}: ${waitingFor[0]?.en}`).join('; '));
      },
      { within, every: 500 },
    );
  }
}
