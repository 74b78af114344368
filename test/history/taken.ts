import {
  ApprovalRequested,
  CommandAccepted,
  CommandIssued,
  CommandRefused,
  SignOffAccepted,
  SignOffPosted,
  SignOffRefused,
} from '@slipway/contracts';
import { type Facts, type Said, wordsOf } from './facts.ts';
import type { History, Seen } from './history.ts';
import type { Moving } from './moving.ts';
import type { Findings } from './tell.ts';

/** What the API answers to a sign-off or a command it took, beside what it was told of it by then. */
interface Answer {
  readonly posted?: string;
  readonly command?: string;
  readonly state?: string;
}

/** Every sign-off and command that a client was told is taken was said, and is accepted or refused; where the client was told which, it is that. */
export function taken({ seen }: History, facts: Facts, moving: Moving, findings: Findings): void {
  const issued = new Map(facts.named(CommandIssued).map((said) => [said.data.command, said]));
  const posted = new Map(facts.named(SignOffPosted).map((said) => [said.id, said]));
  const accepted = new Set<string>([
    ...facts.named(SignOffAccepted).flatMap(({ cause }) => cause ?? []),
    ...facts.named(CommandAccepted).map(({ data }) => data.command),
  ]);
  const refused = new Set<string>([
    ...facts.named(SignOffRefused).map(({ data }) => data.posted),
    ...facts.named(CommandRefused).map(({ data }) => data.command),
  ]);
  const releases = new Map(facts.named(ApprovalRequested).map(({ data }) => [data.request, data.release.id]));
  for (const each of seen) {
    if ((each.kind !== 'sign-off' && each.kind !== 'command') || each.status < 200 || each.status >= 300) continue;
    findings.count(`accepted ${each.kind}s`);
    const { posted: event, command, state } = answerOf(each);
    const id = each.kind === 'sign-off' ? event : command;
    if (id === undefined) {
      findings.cannot(`an answer to a ${each.kind} of ${each.person} was not kept`);
      continue;
    }
    const said: Said | undefined = each.kind === 'sign-off' ? posted.get(id) : issued.get(id);
    const to = each.kind === 'sign-off' ? 'approval' : issued.get(id)?.data.service;
    const what = `the ${each.kind} ${id} of ${each.person} was answered with ${each.status} (${state})`;
    const release = each.kind === 'sign-off' ? releases.get(each.request) : said?.correlation;
    const no = (why: string) => findings.breach(release, `${what} and ${why}`, said ? [wordsOf(said)] : []);
    if (said === undefined) no('was never said');
    else if (state === 'accepted' && !accepted.has(id)) no('nobody accepted it');
    else if (!accepted.has(id) && !refused.has(id) && !moving.isUnheard(said.id, to ?? '')) no('nobody ever answered it');
  }
}

function answerOf(seen: Extract<Seen, { answer: string }>): Answer {
  try {
    return JSON.parse(seen.answer) as Answer;
  } catch {
    return {};
  }
}
