import type { EventDefinition } from '@slipway/contracts';
import type { Lane } from './lane.ts';

/** Resolves when something is said of the project once more than now. */
export function newsOf(lane: Lane) {
  return <E extends AboutEnvironment>(event: E) => {
    const mine = () => lane.suite.ear.all(event).filter((data) => (data as { project: string }).project === lane.project).length;
    const before = mine();
    return lane.hears(event, () => mine() > before);
  };
}

/** Fits what is said of this kind once more than now. */
export function fresh(lane: Lane, name: string): () => boolean {
  const count = () => lane.suite.ear.names().filter((each) => each === name).length;
  const before = count();
  return () => count() > before;
}

type AboutEnvironment = EventDefinition & { data: { _output: { project: string } } };
