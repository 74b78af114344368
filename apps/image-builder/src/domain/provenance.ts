import type { ImageReference, Release } from '@slipway/contracts';
import type { Recipe } from './recipe.js';

/** Who made the image, as a verifier must expect it (SLSA v1, `runDetails.builder.id`). */
export const builderId = 'https://slipway.dev/image-builder@v1';
/** How to read `externalParameters`: an image built from a Dockerfile in a source, or one that was there already. */
export const buildTypes = {
  docker: 'https://slipway.dev/build-types/dockerfile@v1',
  known: 'https://slipway.dev/build-types/known-image@v1',
} as const;
export const statementType = 'https://in-toto.io/Statement/v1';
export const predicateType = 'https://slsa.dev/provenance/v1';

export interface Made {
  readonly release: Release;
  readonly projectVersion: number;
  readonly image: ImageReference;
  /** `build/<attempt>`: the log it belongs to. */
  readonly invocation: string;
  /** RFC 3339. */
  readonly startedOn: string;
  readonly finishedOn: string;
}

/**
 * The provenance of an image built here: an in-toto Statement v1 with the SLSA v1 predicate. `externalParameters` are whole: nothing else
 * that somebody outside chose went into the build.
 */
export function builtProvenance(made: Made, recipe: Recipe): object {
  const { release } = made;
  const { source, context, dockerfile, target, args } = recipe;
  const url = withoutUser(source.url);
  const digest = source.kind === 'git' ? { gitCommit: release.revision } : { svnRevision: release.revision };
  return statement(made, {
    buildType: buildTypes.docker,
    externalParameters: {
      repository: url,
      revision: release.revision,
      ref: release.ref,
      context,
      dockerfile,
      target,
      args,
      submodules: source.submodules,
      lfs: source.lfs,
    },
    internalParameters: internal(made),
    resolvedDependencies: [{ uri: `${source.kind}+${url}@${release.ref}`, digest }],
  });
}

/** The provenance of a release whose image was known: it says that nothing was built, and which image was taken. */
export function knownProvenance(made: Made, of: { readonly release: string; readonly number: number } | null): object {
  const { release, image } = made;
  return statement(made, {
    buildType: buildTypes.known,
    externalParameters: { kind: release.kind, revision: release.revision, ref: release.ref, image: `${image.repository}@${image.digest}` },
    internalParameters: { ...internal(made), builtAs: of },
    resolvedDependencies: [{ uri: `docker://${image.repository}`, digest: digestSet(image.digest) }],
  });
}

function statement(made: Made, buildDefinition: object): object {
  return {
    _type: statementType,
    subject: [{ name: made.image.repository, digest: digestSet(made.image.digest) }],
    predicateType,
    predicate: {
      buildDefinition,
      runDetails: {
        builder: { id: builderId },
        metadata: { invocationId: `${made.release.id}/${made.invocation}`, startedOn: made.startedOn, finishedOn: made.finishedOn },
      },
    },
  };
}

function internal({ release, projectVersion }: Made): object {
  return { project: release.project, release: release.id, number: release.number, projectVersion };
}

function digestSet(digest: string): Record<string, string> {
  const [algorithm = '', hex = ''] = digest.split(':');
  return { [algorithm]: hex };
}

/** A url may carry a user; nobody needs it to find the source. */
export function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}
