import type { Approval } from './asked.js';
import { oneLine } from './output.js';
import { nameOf } from './references.js';
import { brief } from './showing.js';

/** As many as a person reads before signing; the request has more. */
const mostCommits = 20;

/** What is new to the environment: from where, commit by commit, newest first. Undefined where the request does not tell. */
export function commitsIn({ change, release }: Approval): string | undefined {
  if (!change) return undefined;
  const { since, commits, total } = change;
  const from =
    since === null ? 'since the beginning' : `since ${nameOf({ ...since, project: release.project })} (${brief(since.revision)})`;
  const shown = commits.slice(0, mostCommits);
  return [
    `${total} ${from}`,
    ...shown.map(({ revision, author, title }) => `${brief(revision)}  ${oneLine(author, 30)}: ${oneLine(title, 100)}`),
    ...(total > shown.length ? [`and ${total - shown.length} more`] : []),
  ].join('\n');
}

/** What runs otherwise than what runs there now. Undefined where there is nothing to compare with. */
export function differencesIn({ change, deployment }: Approval, words: (text: { en: string; zh: string }) => string): string | undefined {
  if (!change?.since) return undefined;
  const { settings, since } = change;
  const image =
    since.image === null || since.image.digest === deployment.image.digest ? undefined : `another image than ${since.image.digest}`;
  const others = settings === null ? ['settings of before are not known'] : settings.map((each) => oneLine(words(each), 300));
  return [...(image === undefined ? [] : [image]), ...(others.length > 0 ? others : ['no setting changes'])].join('\n');
}
