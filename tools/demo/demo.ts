import type { ReleaseDetail } from '@slipway/api';
import type { z } from 'zod';
import type { Corner } from '../parts/borrowed.ts';
import type { Cleanup, EndRequest } from '../parts/cleanup.ts';
import type { DataDir } from '../parts/data-dir.ts';
import type { DockerApi } from '../parts/docker-api.ts';
import type { Parts } from '../parts/index.ts';
import type { SuiteEnvironment } from '../suite/environment.ts';
import type { Suite } from '../suite/suite.ts';
import type { Cast } from './cast.ts';
import type { Load } from './load.ts';
import type { Mailbox } from './mailbox.ts';
import type { Options } from './options.ts';
import type { SampleSource } from './sample/source.ts';

/** What this run shares with nobody, and the name of its project. */
export interface Names extends Corner {
  project: string;
}

/** A release as the demo keeps track of it, by the number of its commit in the story. */
export interface Seen {
  id: string;
  number: number;
  revision: string;
  digest: string;
}

export type Detail = z.infer<typeof ReleaseDetail>;
export type StageName = 'test' | 'pre-release' | 'production';

/** Everything a step acts with and looks at. */
export interface Demo {
  readonly options: Options;
  readonly dataDir: DataDir;
  readonly cleanup: Cleanup;
  readonly end: EndRequest;
  readonly parts: Parts;
  readonly docker: DockerApi;
  readonly environment: SuiteEnvironment;
  readonly suite: Suite;
  readonly mailbox: Mailbox;
  readonly names: Names;
  readonly cast: Cast;
  readonly source: SampleSource;
  /** The stable port of each environment. */
  readonly ports: Record<StageName, number>;
  readonly releases: Map<number, Seen>;
  /** The clients that keep asking production, while they run. */
  load: Load | undefined;
  /** Tells what the running step waits for. */
  note(text: string): void;
  /** Asks the person at the terminal; gives the default with --yes, and where they type nothing. Throws Interrupted. */
  ask(question: string, otherwise: string): Promise<string>;
}

/** One step of the story. */
export interface Step {
  title: string;
  /** Lets it happen, then looks from outside whether it did; says what was seen, or throws. */
  play(demo: Demo): Promise<string>;
}

/** Declares a step: `run` acts as somebody outside, `check` looks from outside and says what it saw; it throws when it did not happen. */
export function step<Ran>(declared: { title: string; run(demo: Demo): Promise<Ran>; check(demo: Demo, ran: Ran): Promise<string> }): Step {
  const { title } = declared;
  return { title, play: async (demo) => declared.check(demo, await declared.run(demo)) };
}

/** Looked for in vain: what should have happened did not. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}

/** The release of a commit of the story. Throws when an earlier step did not see it born. */
export function releaseOf(demo: Demo, commit: number): Seen {
  const seen = demo.releases.get(commit);
  if (seen === undefined) throw new NotSeen(`commit ${commit} has no release yet`);
  return seen;
}

/** Where an environment answers. */
export function addressOf(demo: Demo, stage: StageName): string {
  return `http://127.0.0.1:${demo.ports[stage]}/`;
}
