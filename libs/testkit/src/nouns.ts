import { createHash } from 'node:crypto';
import { type Commit, Person, ProjectFile, Release, TargetFile } from '@slipway/contracts';
import { v7 } from 'uuid';
import type { z } from 'zod';

/** A new id. */
export function anId(): string {
  return v7();
}

/** Before every topic and group of one test file: topics of two runs never meet. Ends with a dot, as `slipway.` does. */
export function aTopicPrefix(): string {
  return `test-${process.pid}-${v7().slice(-12)}.`;
}

/** The digest of an image that does not exist; the same for the same seed. */
export function aDigest(seed: string = v7()): string {
  return `sha256:${createHash('sha256').update(seed).digest('hex')}`;
}

/** A revision as Git has them; the same for the same seed. */
export function aRevision(seed: string = v7()): string {
  return createHash('sha1').update(seed).digest('hex');
}

/** Release 1 of `shop`, from a commit on main. */
export function aRelease(changes: Partial<z.input<typeof Release>> = {}): Release {
  const ref = changes.ref ?? 'refs/heads/main';
  return Release.parse({
    id: v7(),
    project: 'shop',
    number: 1,
    kind: 'commit',
    ref,
    line: ref,
    revision: aRevision(),
    ancestorOf: [],
    committedAt: '2026-11-23T05:00:00.000Z',
    ...changes,
  });
}

/** A commit by Ann on which nobody else worked. */
export function aCommit(changes: Partial<Commit> = {}): Commit {
  const author = { name: 'Ann Author', email: 'ann@shop.example', account: null };
  return {
    revision: aRevision(),
    author,
    committer: author,
    coAuthors: [],
    message: 'Change the shop',
    time: '2026-11-23T05:00:00.000Z',
    ...changes,
  };
}

/** An active person with one role in every project; `developer` unless said otherwise. */
export function aPerson(changes: Partial<z.input<typeof Person>> = {}): Person {
  const name = changes.name ?? 'Ann Author';
  return Person.parse({
    id: v7(),
    name,
    emails: [`${name.split(' ')[0]?.toLowerCase()}@shop.example`],
    accounts: [],
    roles: [{ role: 'developer', project: '*' }],
    keys: [],
    language: 'en',
    active: true,
    ...changes,
  });
}

/** `shop`: test, then pre-release by tester and operator, then production by operator, all on `lab`. `spec` replaces whole keys of the spec. */
export function aProjectFile({
  name = 'shop',
  spec = {},
}: {
  name?: string;
  spec?: Partial<z.input<typeof ProjectFile>['spec']>;
} = {}): ProjectFile {
  return ProjectFile.parse({
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name },
    spec: {
      source: { git: { url: `https://git.example/${name}.git`, branches: ['main'] } },
      image: { repository: `localhost:5000/${name}` },
      environments: [
        { name: 'test', stage: 'test', target: 'lab', verify: [{ http: '/' }] },
        {
          name: 'pre-release',
          stage: 'pre-release',
          after: ['test'],
          target: 'lab',
          approval: { require: [{ role: 'tester' }, { role: 'operator' }] },
        },
        { name: 'production', stage: 'production', after: ['pre-release'], target: 'lab', approval: { require: [{ role: 'operator' }] } },
      ],
      ...spec,
    },
  });
}

/** `lab`: a Docker host. */
export function aTargetFile({
  name = 'lab',
  spec = {},
}: {
  name?: string;
  spec?: Partial<z.input<typeof TargetFile>['spec']>;
} = {}): TargetFile {
  return TargetFile.parse({ apiVersion: 'slipway.dev/v1', kind: 'Target', metadata: { name }, spec: { docker: {}, ...spec } });
}
