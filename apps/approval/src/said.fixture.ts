import type { CommitDetected, CommitIdentity, DataOf, DeploymentSucceeded, Release, VerificationPassed } from '@slipway/contracts';
import { aDigest, anId } from '@slipway/testkit';

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
    range: { from: null, commits: [], total: 1, ...range },
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
