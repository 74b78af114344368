export { type End, releaseEnds } from './ends.ts';
export type * from './history.ts';
export { readHistory, writeHistory } from './history-file.ts';
export { judge, verdictText } from './judge.ts';
export { type Left, leftToDo } from './left-to-do.ts';
export { LoadLog } from './load-log.ts';
export { story } from './story.ts';
export { type Breach, type Finding, type PromiseNumber, promises, type Verdict } from './verdict.ts';
export { type Kept, type Where, Witness } from './witness.ts';
