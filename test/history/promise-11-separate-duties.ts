import { ApprovalRequested, CommitDetected, type CommitIdentity, type Release } from '@slipway/contracts';
import { type Facts, factsOf, type SaidOf, wordsOf } from './facts.ts';
import { type Grant, grantsOf, peopleAt } from './grants.ts';
import { heardAt } from './heard.ts';
import type { History, RepositoryHistory } from './history.ts';
import { Humans, namesOf } from './identities.ts';
import { byRelease } from './indexes.ts';
import { rolloutsOf, standsOf } from './rollouts.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/** What two transactions of approval may overlap by: what it heard within this, it may or may not have gone by. */
const overlapMs = 10_000;

/**
 * 11. Separation of duties: nobody who wrote, committed, pushed or triggered any commit between what runs and what was let in counts for its sign-off, and
 * for each of these who is nobody we know one more person has signed. Who wrote what is read from the repository itself.
 */
export const separateDuties: Examination = (history) => {
  const findings = new Findings();
  const facts = factsOf(history);
  const seen = new Set<string>();
  for (const grant of grantsOf(history).values()) {
    const { deployment, request, signOffs } = grant.statement;
    const policy = deployment.policy;
    if (seen.has(request) || policy === null || policy.require.length === 0) continue;
    seen.add(request);
    if (policy.duties === 'off') {
      findings.count('grants without separation, by policy');
      continue;
    }
    findings.count('grants');
    findings.count('sign-offs', signOffs.length);
    duties(grant, history, facts, findings);
  }
  return findings.end(['sign-offs', 'changes read from a repository']);
};

function duties(grant: Grant, history: History, facts: Facts, findings: Findings): void {
  const { deployment } = grant.statement;
  const { release } = deployment;
  const born = facts.named(CommitDetected).filter(({ data }) => data.release.project === deployment.project);
  const own = born.find(({ data }) => data.release.id === release.id);
  if (!own)
    return void findings.breach(release.id, `release ${release.number} was let in, and nobody ever told of its birth`, [
      wordsOf(grant.event),
    ]);
  const repository = history.repositories.find(({ project }) => project === deployment.project);
  if (repository) findings.count('changes read from a repository');
  else if (own.data.release.kind === 'commit' || own.data.release.kind === 'tag')
    findings.cannot(`the repository of ${deployment.project} was not read`);
  const told = new Set<string>();
  for (const at of momentsOf(grant, history)) {
    const running = runningThen(grant, history, facts, at);
    // The same ran there then as before: nothing else is to be said of it.
    const what = running.map((each) => each?.id).join();
    if (told.has(what)) continue;
    told.add(what);
    counted(
      grant,
      running.map((each) => changeOf(own, born, each, repository)),
      { facts, at, findings },
    );
  }
}

/** When it is to be known what runs there: as it was asked for, and as it began, for what ran may have been gone back from meanwhile. */
function momentsOf({ statement }: Grant, history: History): number[] {
  const { deployment, request } = statement;
  const facts = factsOf(history);
  const asked = byRelease(facts, ApprovalRequested)
    .get(deployment.release.id)
    ?.find(({ data }) => data.request === request);
  const began = rolloutsOf(history).find(
    ({ kind, grant }) => kind === 'rollout' && grantsOf(history).get(grant)?.statement.request === request,
  );
  const issued = Date.parse(statement.issuedAt);
  return [asked?.ms ?? issued, began?.started.ms ?? issued];
}

/** Who counted, and how many there had to be. */
function counted(
  grant: Grant,
  changes: readonly (readonly Part[])[],
  { facts, at, findings }: { readonly facts: Facts; readonly at: number; readonly findings: Findings },
): void {
  const { deployment, signOffs } = grant.statement;
  const { release } = deployment;
  const humans = new Humans(peopleAt(facts, at).values());
  const signers = signOffs.filter(({ role }) => role !== 'none').map(({ person }) => person);
  for (const person of signers) {
    // What ran there is known only to within what approval had heard: guilty is who is involved in any case.
    const guilt = changes.map((change) =>
      change.find(
        (part) =>
          part.is === person ||
          (part.identity && humans.matching(part.identity).includes(humans.of(person))) ||
          humans.of(part.is ?? '') === humans.of(person),
      ),
    );
    const [found] = guilt;
    if (found && guilt.every((each) => each !== undefined))
      findings.breach(
        release.id,
        `${nameOf(person, facts, at)} counted for the sign-off of release ${release.number} into ${deployment.environment}, and ${found.how}`,
        [wordsOf(grant.event), found.where],
      );
  }
  const needed =
    deployment.policy?.require.reduce((sum, { count }) => (deployment.policy?.distinct ? sum + count : Math.max(sum, count)), 0) ?? 0;
  const extra = Math.min(...changes.map((change) => unmatched(change, humans).length));
  const distinct = new Set(signers.map((person) => humans.of(person))).size;
  if (distinct < needed + extra)
    findings.breach(
      release.id,
      `${distinct} people signed release ${release.number} into ${deployment.environment}; ${needed} are asked for, and ${extra} more for those nobody knows`,
      [wordsOf(grant.event), ...(changes[0] ? unmatched(changes[0], humans) : [])],
    );
}

/** Who had a hand in a change, and how. */
interface Part {
  readonly identity?: CommitIdentity;
  /** A person known by id. */
  readonly is?: string;
  readonly how: string;
  readonly where: string;
}

/** What ran in the environment as far as approval had heard when it asked; more than one where it was just hearing of another. */
function runningThen({ statement }: Grant, history: History, facts: Facts, at: number): (Release | null)[] {
  const { project, environment } = statement.deployment;
  const here = rolloutsOf(history).filter((each) => each.project === project && each.environment === environment);
  const stands = standsOf(here).map(({ release, rollout, from }) => ({
    release,
    heard: Math.max(
      ...rollout.ends.filter((end) => end.at <= from).map((end) => heardAt(facts, 'approval', end.event) ?? Number.POSITIVE_INFINITY),
      from,
    ),
  }));
  const before = stands.findLast(({ heard }) => heard < at - overlapMs);
  const just = stands.filter(({ heard }) => heard >= at - overlapMs && heard <= at + overlapMs);
  return [before?.release ?? null, ...just.map(({ release }) => release)].filter(
    (release) => release === null || release.id !== statement.deployment.release.id,
  );
}

type Born = SaidOf<typeof CommitDetected>;

function changeOf(own: Born, born: readonly Born[], running: Release | null, repository: RepositoryHistory | undefined): Part[] {
  const first = born.toSorted((one, other) => one.data.release.number - other.data.release.number)[0]?.data.release;
  const commits = repository ? between(repository, own.data.release.revision, running?.revision, first?.revision) : undefined;
  const parts: Part[] = (commits ?? []).flatMap(({ revision, author, committer, message }) => {
    const by = (identity: { name: string; email: string | null }, what: string): Part[] => {
      const account = repository?.system === 'svn' ? identity.name : null;
      return [{ identity: { ...identity, account }, how: `${what} ${revision.slice(0, 12)}`, where: `commit ${revision}` }];
    };
    const isForge = committer?.name === 'GitHub' && committer.email === 'noreply@github.com';
    const together = [...message.matchAll(/^co-authored-by:[ \t]*([^<\n]*)(?:<([^>\n]*)>)?[ \t]*$/gim)];
    return [
      ...by(author, 'wrote'),
      ...(committer && !isForge ? by(committer, 'committed') : []),
      ...together.flatMap(([, name = '', email]) => by({ name: name.trim(), email: email?.trim() || null }, 'wrote a part of')),
    ];
  });
  const revisions = new Set(commits?.map(({ revision }) => revision));
  const { line, number } = own.data.release;
  for (const { data, ...said } of born) {
    const { release } = data;
    const isBetween = release.line === line && release.number <= number && release.number > (running?.line === line ? running.number : 0);
    if (release.id !== own.data.release.id && !isBetween && !revisions.has(release.revision)) continue;
    const where = wordsOf(said);
    // Of each commit itself the repository tells; where it does not know the revision, the source's word is all there is.
    if (!commits)
      parts.push(...data.people.map((identity) => ({ identity, how: `wrote or committed a part of release ${release.number}`, where })));
    if (data.pusher) parts.push({ identity: data.pusher, how: `pushed release ${release.number}`, where });
    if (data.trigger.person) parts.push({ is: data.trigger.person.id, how: `triggered release ${release.number}`, where });
  }
  return parts;
}

/** Commits that lead to one revision and not to the other. Where nothing runs the first release's own commit is where it begins. */
function between({ commits }: RepositoryHistory, to: string, running: string | undefined, first: string | undefined) {
  const known = new Map(commits.map((commit) => [commit.revision, commit]));
  const below = (revision: string | undefined): Set<string> => {
    const found = new Set<string>();
    const open = revision === undefined ? [] : [revision];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (found.has(at)) continue;
      found.add(at);
      open.push(...(known.get(at)?.parents ?? []));
    }
    return found;
  };
  if (!known.has(to)) return undefined;
  const old = below(running ?? first);
  if (running === undefined && first !== undefined) old.delete(first);
  return [...below(to)].filter((revision) => !old.has(revision)).flatMap((revision) => known.get(revision) ?? []);
}

/** Identities that are nobody, each once. */
function unmatched(change: readonly Part[], humans: Humans): string[] {
  const strangers = change.flatMap(({ identity }) =>
    identity && humans.matching(identity).length === 0 ? [namesOf(identity)[0] ?? `name ${identity.name.toLowerCase()}`] : [],
  );
  return [...new Set(strangers)];
}

function nameOf(person: string, facts: Facts, at: number): string {
  return peopleAt(facts, at).get(person)?.name ?? person;
}
