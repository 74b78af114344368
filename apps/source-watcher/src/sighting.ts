import type { CommitIdentity, ImageReference, RepositoryFile } from '@slipway/contracts';
import type { CommitRange } from '@slipway/source-control';
import type { Facts } from './domain/decide-movement.js';

/** All that was found out about one movement: the facts to decide by, and what a release would be born with. */
export interface Sighting {
  readonly facts: Facts;
  readonly line: string;
  /** Numbers of earlier releases that contain this revision, as many as can be told. */
  readonly ancestorOf: readonly number[];
  readonly range: CommitRange & { readonly from: string | null };
  /** Numbers of earlier releases that the range brings into the line, as the event says them. */
  readonly merged: readonly number[];
  readonly committedAt: string;
  readonly repositoryFile: RepositoryFile | null;
  /** The image of the release a tag sits on. */
  readonly image: ImageReference | null;
  /** Who pushed the head, and who else pushed on the way; null and none where nobody said. */
  readonly pusher: CommitIdentity | null;
  readonly otherPushers: readonly CommitIdentity[];
  readonly byWebhook: boolean;
}
