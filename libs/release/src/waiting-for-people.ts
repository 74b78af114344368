import type { RequestState } from './release-state.js';
import { type Asked, type Judged, judge } from './sign-off-rules.js';
import { type Wait, wait } from './wait.js';

/** A request as the sign-off rules judge it: the same question approval answers when it grants. */
export function askedOf(project: string, request: RequestState, people: readonly Judged[]): Asked | undefined {
  const { policy } = request.deployment;
  if (!policy) return undefined;
  return {
    project,
    policy: { ...policy, require: request.require },
    people,
    involved: new Set(request.involved.map(({ id }) => id)),
    unmatched: request.unmatched,
    approvals: request.approvals.map(({ person, via }) => ({ person: person.id, via })),
  };
}

/** What an open request waits for: people first, then what they may want to look at, then time. */
export function forPeople(
  project: string,
  environment: string,
  request: RequestState,
  around: { readonly people: readonly Judged[]; readonly now: string },
): Wait[] {
  const waits: Wait[] = [];
  const asked = askedOf(project, request, around.people);
  for (const { role, count, eligible, nobodyLeft, text } of asked ? judge(asked).missing : []) {
    const en = `${text.en} to sign off for ${environment}`;
    waits.push(
      wait(nobodyLeft ? 'nobody-eligible' : 'sign-off', environment, en, `${environment}：${text.zh}`, { role, count, people: eligible }),
    );
  }
  if (waits.length > 0) waits.push(...forALook(environment, request));
  const { soakUntil, newerAvailable } = request;
  if (soakUntil && Date.parse(soakUntil) > Date.parse(around.now)) {
    waits.push(
      wait(
        'soak',
        environment,
        `time to pass in the environment before ${environment}, until ${soakUntil}`,
        `观察期至 ${soakUntil}，之后可进入 ${environment}`,
        { until: soakUntil },
      ),
    );
  }
  if (waits.length === 0) waits.push(wait('grant', environment, `the grant for ${environment}`, `等待签发进入 ${environment} 的许可`));
  if (newerAvailable !== null)
    waits.push(
      wait(
        'newer-release',
        environment,
        `release ${newerAvailable} is newer and waits for ${environment} too`,
        `更新的版本 ${newerAvailable} 也在等待进入 ${environment}`,
      ),
    );
  return waits;
}

/** Who is to sign wants to see it: says what is in the way in test, and how to have it back there. */
function forALook(environment: string, { inTest, deployAgain }: RequestState): Wait[] {
  if (!deployAgain) return [];
  const { environment: test, command } = deployAgain;
  return [
    wait(
      'other-in-test',
      environment,
      `a look at it: ${inTest ? `release ${inTest.release.number}` : 'nothing'} runs in ${test} now; to have it back there: ${command}`,
      `查看：${test} 中现在${inTest ? `运行的是版本 ${inTest.release.number}` : '没有运行任何版本'}；如需重新部署：${command}`,
    ),
  ];
}
