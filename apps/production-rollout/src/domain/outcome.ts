import type { EnvironmentState, Past, Rollout, Standing } from './environment.js';

/** How many good deployments are kept to go back to. */
const longestHistory = 50;
const keptWhole = 2;

/** The environment after a rollout was good. */
export function settled(environment: EnvironmentState, rollout: Rollout, at: string): EnvironmentState {
  const { id, release, deployment, grant, attempt } = rollout;
  const standing: Standing = { rollout: id, release, deployment, grant, attempt, since: at };
  const left = environment.running;
  const bars = rollout.kind === 'rollback' && left && left.release.id !== release.id ? [{ number: left.release.number, at }] : [];
  const { ahead: _, emptiedAt: __, ...known } = environment;
  return {
    ...known,
    running: standing,
    history: [standing, ...environment.history.filter((each) => each.release.id !== release.id)].slice(0, longestHistory).map(shortened),
    barred: [
      ...environment.barred.filter((each) => each.number !== release.number && !bars.some((bar) => bar.number === each.number)),
      ...bars,
    ],
    driftedSince: null,
    heldBy: null,
    ended: attempt,
  };
}

/** The environment after a release failed in it and what ran before was brought back: the failed one may not come by itself again. */
export function barredAfter(environment: EnvironmentState, number: number, at: string): EnvironmentState {
  return { ...environment, barred: [...environment.barred.filter((each) => each.number !== number), { number, at }] };
}

/** Only the newest are kept whole, for replicas of the version before, which know no other way back. */
function shortened(past: Past, at: number): Past {
  const { rollout, release, since } = past;
  return at < keptWhole ? past : { rollout, release, since };
}

/** The environment after a failed rollout was taken back to a release that was good here, perhaps the same one as it was let in before: that is not barred. */
export function restored(environment: EnvironmentState, to: Standing | undefined, at: string): EnvironmentState {
  const { running, barred } = environment;
  const back = !to || to.release.id === running?.release.id ? (to ?? running) : { ...to, since: at };
  return { ...environment, running: back, heldBy: null, barred: barred.filter(({ number }) => number !== back?.release.number) };
}

/** The environment after a failed rollout was removed, with nothing to go back to. */
export function emptied(environment: EnvironmentState, at: string): EnvironmentState {
  return { ...environment, running: null, heldBy: null, emptiedAt: at };
}
