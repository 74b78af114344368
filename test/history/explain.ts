import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { factsOf } from './facts.ts';
import type { History } from './history.ts';
import { writeHistory } from './history-file.ts';
import { judge, verdictText } from './judge.ts';
import { story } from './story.ts';
import type { Breach, PromiseNumber, Verdict } from './verdict.ts';

/** More stories than this nobody reads at once; the file has them all. */
const mostStories = 20;

/** What was amiss, if anything, each in a sentence, and all of it in words for who has to find out why. */
export interface Explained {
  readonly verdict: Verdict;
  readonly amiss: readonly string[];
  readonly words: string;
}

/**
 * Holds a history against all eleven promises. A promise that is broken is amiss, and so is one that was not examined, but for those a run says of itself that
 * it cannot show. Where anything is amiss the history is kept, in a file that is told; `forgive` is for breaches that a guide foretells.
 */
export async function explain(
  history: History,
  {
    unexamined = [],
    forgive = () => false,
  }: { unexamined?: readonly PromiseNumber[]; forgive?: (breach: Breach, promise: PromiseNumber) => boolean } = {},
): Promise<Explained> {
  const verdict = judge(history);
  const counts = ({ promise, breaches }: Verdict['findings'][number]) => breaches.filter((breach) => !forgive(breach, promise));
  const amiss = verdict.findings.flatMap((finding) => [
    ...counts(finding).map(({ what }) => `${finding.promise}: ${what}`),
    ...(finding.unexamined === undefined || unexamined.includes(finding.promise)
      ? []
      : [`${finding.promise} was not examined: ${finding.unexamined}`]),
  ]);
  if (amiss.length === 0) return { verdict, amiss, words: verdictText(verdict) };
  const file = join(tmpdir(), `${history.about.title.replaceAll(/[^a-z0-9]+/gi, '-')}-${Date.now()}.history.gz`);
  await writeHistory(history, file);
  const stories = storiesOf(history, verdict.findings.flatMap(counts));
  return { verdict, amiss, words: [verdictText(verdict), ...stories, `the history: ${file}`].join('\n\n') };
}

/** The whole story of each release that a breach happened to, or that the records which show it tell of; `more` are releases to be told besides. */
export function storiesOf(history: History, breaches: readonly Breach[], more: readonly string[] = []): string[] {
  const byId = new Map(factsOf(history).said.map((said) => [said.id, said]));
  const shown = ({ evidence }: Breach) =>
    evidence.flatMap((words) => byId.get(/([0-9a-f-]{36})\)?$/.exec(words)?.[1] ?? '')?.correlation ?? []);
  const releases = [...new Set([...breaches.flatMap((breach) => breach.release ?? shown(breach)), ...more])];
  const left = releases.length - mostStories;
  return [
    ...releases.slice(0, mostStories).map((release) => story(history, release)),
    ...(left > 0 ? [`and ${left} releases more: ${releases.slice(mostStories).join(', ')}`] : []),
  ];
}
