import {
  ApprovalRequested,
  CommitDetected,
  DeploymentStarted,
  DeploymentSucceeded,
  ImageBuilt,
  ImageRemoved,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
  VerificationPassed,
} from '@slipway/contracts';
import { effectsOf, effectWords, heardDocker, whereOf } from './effects.ts';
import { type Facts, factsOf, type Said, wordsOf } from './facts.ts';
import { grantsOf } from './grants.ts';
import type { History } from './history.ts';
import { Findings } from './tell.ts';
import type { Examination } from './verdict.ts';

/**
 * 5. One digest: what was built is what was tested, what was approved and what runs, by image-builder's and test-deployer's own signatures; containers are
 * made by digest, never by tag, and the registry has, under that digest, bytes that have it.
 */
export const oneDigest: Examination = (history) => {
  const facts = factsOf(history);
  const findings = new Findings();
  heardDocker(history, findings);
  const built = builtDigests(facts, findings);
  told(facts, built, findings);
  approved(history, built, findings);
  for (const effect of effectsOf(history).filter(({ role }) => role === 'instance')) {
    findings.count('containers');
    const digest = built.get(effect.release);
    const by = effect.image.split('@')[1];
    const no = (what: string) =>
      findings.breach(effect.release || null, `${effect.name} in ${whereOf(effect)} ${what}`, [effectWords(effect)]);
    if (by === undefined) no(`was made from ${effect.image}, which is no digest`);
    else if (digest === undefined) no(`runs ${by}, and nothing was ever built for its release`);
    else if (by !== digest || effect.digest !== digest) no(`runs ${by} (labelled ${effect.digest}), and ${digest} was built`);
  }
  inRegistry(history, built, findings);
  return findings.end(['releases that were built', 'events that name an image', 'grants', 'containers', 'events of Docker', 'manifests']);
};

/** The digest of each release, by image-builder. */
function builtDigests(facts: Facts, findings: Findings): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const { data, ...said } of facts.named(ImageBuilt)) {
    const { release, image, provenance } = data;
    const before = digests.get(release.id);
    if (before === undefined) findings.count('releases that were built');
    else if (before !== image.digest)
      findings.breach(release.id, `release ${release.number} was built as ${before} and as ${image.digest}`, [wordsOf(said)]);
    digests.set(release.id, before ?? image.digest);
    const proven = facts.signatures.provenance(provenance, image.digest, said.ms);
    if (!proven.ok)
      findings.breach(release.id, `nothing proves how the image of release ${release.number} was built: ${proven.reason}`, [wordsOf(said)]);
  }
  for (const { data, ...said } of facts.named(CommitDetected)) {
    const digest = digests.get(data.release.id);
    if (data.image && digest !== undefined && data.image.digest !== digest)
      findings.breach(data.release.id, `release ${data.release.number} was born with ${data.image.digest} and has ${digest}`, [
        wordsOf(said),
      ]);
  }
  return digests;
}

/** Whatever names an image for a release on its way names that one. */
function told(facts: Facts, built: ReadonlyMap<string, string>, findings: Findings): void {
  const check = (said: Said, release: { id: string; number: number }, digest: string): void => {
    findings.count('events that name an image');
    const wanted = built.get(release.id);
    if (wanted !== digest)
      findings.breach(release.id, `${said.name} names ${digest} for release ${release.number}, and ${wanted ?? 'nothing'} was built`, [
        wordsOf(said),
      ]);
  };
  for (const event of [DeploymentStarted, DeploymentSucceeded, VerificationPassed, RolloutStarted, RolloutSucceeded, RolloutRolledBack]) {
    for (const said of facts.named(event)) check(said, said.data.release, said.data.image.digest);
  }
  for (const said of facts.named(ApprovalRequested)) check(said, said.data.release, said.data.deployment.image.digest);
}

/** Each grant rests on a verdict of test-deployer for this very image. */
function approved(history: History, built: ReadonlyMap<string, string>, findings: Findings): void {
  const facts = factsOf(history);
  for (const { event, statement } of grantsOf(history).values()) {
    const { data, ...said } = event;
    findings.count('grants');
    const { deployment } = statement;
    const { release, image } = deployment;
    const no = (what: string) =>
      findings.breach(release.id, `release ${release.number} was let into ${deployment.environment} ${what}`, [wordsOf(said)]);
    if (built.get(release.id) !== image.digest) no(`with ${image.digest}, and ${built.get(release.id) ?? 'nothing'} was built`);
    const verdict = facts.signatures.verdict(data.verdict, { release: release.id, digest: image.digest }, said.ms);
    if (!verdict.ok) no(`without a test of that image: ${verdict.reason}`);
    const provenance = facts.signatures.provenance(data.provenance, image.digest, said.ms);
    if (!provenance.ok) no(`without proof of how that image was built: ${provenance.reason}`);
  }
}

/** The bytes were hashed by the witness, not by the registry. What nobody needed any longer may have been removed, where that was said. */
function inRegistry(history: History, built: ReadonlyMap<string, string>, findings: Findings): void {
  const { registry } = history;
  if (registry.repositories.length === 0) return void findings.cannot('no repository of the registry was read');
  const there = new Set(registry.manifests.map(({ digest }) => digest));
  const removed = factsOf(history)
    .named(ImageRemoved)
    .filter(({ data }) => data.refused === null);
  for (const { data } of removed) there.add(data.image.digest);
  for (const [release, digest] of built) {
    findings.count('manifests');
    if (!there.has(digest)) findings.breach(release, `the registry does not have ${digest}`, registry.repositories);
  }
  for (const { repository, tag, digest } of registry.manifests) {
    if (tag.startsWith('sha256:') && tag !== digest)
      findings.breach(null, `the registry gives ${digest} for ${tag}`, [`${repository}@${tag}`]);
  }
}
