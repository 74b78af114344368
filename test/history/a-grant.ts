import { ApprovalGranted, ApprovalRequested, type Release, ResolvedDeployment, SignOffAccepted, SignOffPosted } from '@slipway/contracts';
import { digestOf } from '@slipway/identity';
import { anId } from '@slipway/testkit';
import { app, author, imageOf, type Teller } from './teller.ts';

/** Asked, signed off and granted. */
export async function letIn(teller: Teller, release: Release, key: string): Promise<void> {
  const { id, number, ref, line, revision } = release;
  const [request, grant] = [anId(), anId()];
  teller.requests[key] = request;
  teller.grants[key] = grant;
  const image = imageOf(number);
  const { policy } = teller;
  const deployment = ResolvedDeployment.parse({
    project: 'shop',
    environment: 'production',
    stage: 'production',
    projectVersion: 1,
    release: { id, number, ref, line, revision },
    image,
    app,
    target: { name: 'lab', version: 1, namespace: 'default', port: null },
    policy,
    strategy: { rolling: { surge: 1 } },
    deadline: '60s',
    onFailure: 'rollback',
  });
  const asks = digestOf(deployment);
  const expiresAt = new Date(teller.now + 7 * 86_400_000).toISOString();
  const view = {
    require: policy.require,
    missing: [],
    eligible: [],
    involved: [],
    unmatched: [],
    soakUntil: null,
    expiresAt,
    newerAvailable: null,
    inTest: null,
    previous: null,
    authors: [author],
  };
  teller.say(
    `approval.requested ${key}`,
    'approval',
    ApprovalRequested,
    { request, release, environment: 'production', deployment, asks, ...view },
    id,
  );
  const claims = {
    request,
    asks,
    decision: 'approve',
    comment: '',
    person: teller.otto.id,
    time: new Date(teller.now).toISOString(),
    nonce: `nonce-of-${request}`,
    via: 'token',
  };
  const attestation = await teller.seal(teller.twist.signOffsBy ?? 'gateway', 'sign-off', key, claims);
  const event = teller.say(`sign-off.posted ${key}`, 'gateway', SignOffPosted, { request, proof: { via: 'http', attestation } }, request);
  teller.told({ kind: 'sign-off', request, decision: 'approve' }, { request, posted: event });
  teller.say(
    `sign-off.accepted ${key}`,
    'approval',
    SignOffAccepted,
    {
      request,
      release,
      environment: 'production',
      person: teller.otto,
      decision: 'approve',
      comment: '',
      via: 'http',
      inTest: null,
      missing: [],
    },
    id,
    event,
  );
  const time = new Date(teller.now + 1000).toISOString();
  const statement = {
    grant,
    request,
    deployment,
    asks,
    issuedAt: time,
    passedAt: time,
    notAfter: new Date(teller.now + 3_600_000).toISOString(),
    signOffs: [{ person: teller.otto.id, role: 'operator', event }],
  };
  const sealed = await teller.seal('approval', 'grant', key, statement);
  const proofs = { provenance: await teller.provenance(number), verdict: await teller.verdict(release, anId()) };
  teller.say(
    `approval.granted ${key}`,
    'approval',
    ApprovalGranted,
    {
      request,
      release,
      environment: 'production',
      asks,
      grant: sealed,
      ...proofs,
      byPolicy: false,
      reissued: false,
      authors: [author],
      signOffs: [],
    },
    id,
  );
  teller.rows.request.push({
    id: request,
    release: id,
    environment: 'production',
    state: 'granted',
    grant_used: true,
    request: { policy, soakUntil: null, expiresAt },
  });
  teller.now += 30_000;
}
