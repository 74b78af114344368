import {
  ApprovalGranted,
  type CommitDetected,
  type CommitIdentity,
  type DataOf,
  type DeploymentSucceeded,
  GrantStatement,
  type Release,
  RolloutStarted,
  RolloutSucceeded,
  type VerificationPassed,
} from '@slipway/contracts';
import { aDigest, anId } from '@slipway/testkit';
import type { Stage } from '@slipway/testkit/stage';

const provenance = { payloadType: 'application/vnd.in-toto+json', payload: 'e30=', signatures: [{ keyid: 'k', sig: 's' }] };

/** The image every double of another service says this release has. */
export function imageOf(release: Release) {
  return { repository: `localhost:5000/${release.project}`, digest: aDigest(release.id) };
}

/** What source-watcher says at the birth of a release. */
export function detected(
  release: Release,
  people: CommitIdentity[] = [],
  range: Partial<DataOf<typeof CommitDetected>['range']> = {},
): DataOf<typeof CommitDetected> {
  return {
    release,
    projectVersion: 1,
    range: { from: null, commits: [], total: 1, merged: [], ...range },
    people,
    pusher: null,
    trigger: { kind: 'poll', person: null },
    repositoryFile: null,
    image: null,
  };
}

/** What test-deployer says when it runs in `test`. */
export function deployed(release: Release): DataOf<typeof DeploymentSucceeded> {
  return {
    release,
    environment: 'test',
    deployment: anId(),
    image: imageOf(release),
    address: 'http://127.0.0.1:20000',
    instances: 1,
    seconds: 1,
  };
}

/** What test-deployer says when the checks of `test` said yes. */
export function passed(release: Release, authors: CommitIdentity[] = []): DataOf<typeof VerificationPassed> {
  return {
    release,
    projectVersion: 1,
    environment: 'test',
    deployment: anId(),
    image: imageOf(release),
    address: 'http://127.0.0.1:20000',
    evidence: [],
    seconds: 1,
    provenance,
    verdict: { ...provenance, payloadType: 'application/vnd.slipway.verdict+json;version=1' },
    repositoryFile: null,
    authors,
  };
}

/** Has production-rollout say that a release which was granted rolls out and runs in pre-release; approval has heard it then. */
export async function letIn(stage: Stage, release: Release): Promise<void> {
  const granted = await stage.hears(ApprovalGranted, (data) => data.release.id === release.id);
  const { grant, asks } = GrantStatement.parse(JSON.parse(Buffer.from(granted.grant.payload, 'base64').toString()));
  const about = { rollout: anId(), kind: 'rollout', release, environment: 'pre-release', stage: 'pre-release', grant } as const;
  const image = imageOf(release);
  await stage.say('production-rollout', RolloutStarted, { subject: release.id, data: { ...about, attempt: 1, image, replaces: null } });
  const serves = { image, address: 'http://127.0.0.1:20001', instances: 1, seconds: 1, leadSeconds: 1 };
  const done = await stage.say('production-rollout', RolloutSucceeded, { subject: release.id, data: { ...about, asks, ...serves } });
  await stage.handles('approval', done);
}
