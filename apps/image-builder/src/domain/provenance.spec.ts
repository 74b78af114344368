import { aDigest, aProjectFile, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { builtProvenance, knownProvenance } from './provenance.js';
import { recipeOf } from './recipe.js';

const image = { repository: 'localhost:5000/shop', digest: aDigest('a') };
const release = aRelease({ number: 3, revision: 'abc123' });
const made = {
  release,
  projectVersion: 2,
  image,
  invocation: 'build/1',
  startedOn: '2026-11-23T05:00:00.000Z',
  finishedOn: '2026-11-23T05:01:00.000Z',
};

describe('provenance', () => {
  it('names the image, the source, and everything somebody outside chose', () => {
    const file = aProjectFile({ spec: { build: { docker: { args: { A: '1' } } } } });
    // Contracts refuse a password in a url; were one ever to get through, it must not be signed and kept for ever.
    Object.assign(file.spec.source.git ?? {}, { url: 'https://user:token@git.example/shop.git' });
    expect(builtProvenance(made, recipeOf(file, null))).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'localhost:5000/shop', digest: { sha256: image.digest.slice(7) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'https://slipway.dev/build-types/dockerfile@v1',
          externalParameters: {
            repository: 'https://git.example/shop.git',
            revision: 'abc123',
            ref: 'refs/heads/main',
            context: '.',
            dockerfile: 'Dockerfile',
            target: null,
            args: { A: '1' },
            submodules: false,
            lfs: false,
          },
          internalParameters: { project: 'shop', release: release.id, number: 3, projectVersion: 2 },
          resolvedDependencies: [{ uri: 'git+https://git.example/shop.git@refs/heads/main', digest: { gitCommit: 'abc123' } }],
        },
        runDetails: {
          builder: { id: 'https://slipway.dev/image-builder@v1' },
          metadata: { invocationId: `${release.id}/build/1`, startedOn: made.startedOn, finishedOn: made.finishedOn },
        },
      },
    });
  });

  it('says of a known image that nothing was built, and for which release it once was', () => {
    const of = { release: aRelease().id, number: 1 };
    expect(knownProvenance(made, of)).toMatchObject({
      subject: [{ digest: { sha256: image.digest.slice(7) } }],
      predicate: {
        buildDefinition: {
          buildType: 'https://slipway.dev/build-types/known-image@v1',
          externalParameters: { kind: 'commit', image: `localhost:5000/shop@${image.digest}` },
          internalParameters: { builtAs: of },
        },
      },
    });
  });
});
