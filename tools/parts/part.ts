import type { Child } from './processes.ts';

/** A part Slipway stands on: one that was found running, or one that we started. */
export interface Part {
  readonly name: 'postgres' | 'kafka' | 'registry' | 'docker';
  /** What the matching environment variable wants (DATABASE_URL, KAFKA_BROKERS, SLIPWAY_REGISTRY, DOCKER_HOST). */
  readonly url: string;
  /** True when we started it, and so stop it. */
  readonly ours: boolean;
  /** Stops it if it is ours. */
  stop(): Promise<void>;
}

/** One that is a process of ours, to which things may be done. */
export interface OwnPart extends Part {
  readonly process: Child;
}
