import { describe, expect, it } from 'vitest';
import { inSeconds } from './duration.js';
import { ProjectApplied } from './gateway/project-applied.js';
import { PinnedRepositoryFile, ProjectFile, RepositoryFile } from './project-file.js';

const minimal = {
  apiVersion: 'slipway.dev/v1',
  kind: 'Project',
  metadata: { name: 'shop' },
  spec: {
    source: { git: { url: 'https://git.example/shop.git' } },
    image: { repository: 'localhost:5000/shop' },
    environments: [
      { name: 'test', stage: 'test', target: 'lab' },
      { name: 'production', stage: 'production', after: ['test'], target: 'lab', app: { instances: 4, health: { http: '/ready' } } },
    ],
  },
};

function problems(change: (file: typeof minimal & Record<string, unknown>) => void): string[] {
  const file = structuredClone(minimal) as typeof minimal & Record<string, unknown>;
  change(file);
  const result = ProjectFile.safeParse(file);
  return result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

describe('the project file', () => {
  it('needs little and fills in the rest', () => {
    const file = ProjectFile.parse(minimal);
    expect(file.spec.app).toMatchObject({ port: 8080, instances: 1, memory: '256Mi', health: { http: '/', every: '2s' } });
    expect(file.spec.environments[1]).toMatchObject({
      stage: 'production',
      approval: { require: [], duties: 'separate' },
      'on-failure': 'rollback',
    });
  });

  it('leaves what an environment does not override to the app', () => {
    expect(ProjectFile.parse(minimal).spec.environments[1]?.app).toEqual({ instances: 4, health: { http: '/ready' } });
  });

  it.each([
    [
      'a name that is the installation’s',
      (file: typeof minimal) => Object.assign(file.metadata, { name: 'installation' }),
      /^metadata.name: no project/,
    ],
    [
      'a time without end',
      (file: typeof minimal) => Object.assign(file.spec.environments[1] as object, { approval: { expires: '99999999999d' } }),
      /^spec.environments.1.approval.expires: ten years/,
    ],
    [
      'a wait that no timer counts',
      (file: typeof minimal) => Object.assign(file.spec, { app: { drain: '25d' } }),
      /^spec.app.drain: a day/,
    ],
    [
      'a poll without a pause',
      (file: typeof minimal) => Object.assign(file.spec.source.git, { poll: '0s' }),
      /^spec.source.git.poll: poll every/,
    ],
    [
      'no limit of memory',
      (file: typeof minimal) => Object.assign(file.spec, { app: { memory: '0Mi' } }),
      /^spec.app.memory: give at least/,
    ],
    [
      'more memory than there is',
      (file: typeof minimal) => Object.assign(file.spec, { app: { memory: '99999999999999Gi' } }),
      /^spec.app.memory: /,
    ],
    ['next to no processor', (file: typeof minimal) => Object.assign(file.spec, { app: { cpus: 1e-300 } }), /^spec.app.cpus: /],
  ])('refuses %s from who applies it, and reads it where an earlier version took it', (_, change, problem) => {
    expect(problems(change)).toEqual([expect.stringMatching(problem)]);
    const file = structuredClone(minimal);
    change(file);
    const by = { id: '01a2b3c4-0000-7000-8000-000000000000', name: 'Ada' };
    expect(ProjectApplied.data.safeParse({ project: 'shop', version: 1, file, by, reason: '' }).error).toBeUndefined();
  });

  it('of a repository is held to the same limits, where it is new', () => {
    const file = { apiVersion: 'slipway.dev/v1', kind: 'Repository', app: { memory: '4Mi' }, verify: [{ http: '/', timeout: '2d' }] };
    const issues = RepositoryFile.safeParse(file).error?.issues.map(({ path }) => path.join('.'));
    expect(issues).toEqual(['app.memory', 'verify.0.timeout']);
    expect(PinnedRepositoryFile.safeParse(file).error).toBeUndefined();
  });

  it('of an earlier version counts ten years where it says more', () => {
    expect(inSeconds('99999999999d')).toBe(3650 * 86_400);
  });

  it('names an unknown key', () => {
    expect(problems((file) => Object.assign(file.spec, { enviroments: [] }))[0]).toMatch(/^spec: .*enviroments/);
  });

  it('refuses a feature that is not built yet by its name', () => {
    expect(problems((file) => Object.assign(file.spec, { gates: [] }))).toEqual(['spec.gates: gates is not supported yet: remove it']);
  });

  it('refuses an environment that follows one further down', () => {
    expect(problems((file) => file.spec.environments.reverse())[0]).toMatch(
      /^spec.environments.0.after.0: name an environment that stands further up/,
    );
  });

  it.each(['pre-release', 'production'])('refuses a test environment after one of stage %s, which nobody would open', (stage) => {
    const staged = { name: 'staged', stage, after: ['test'], target: 'lab' };
    const late = { name: 'late', stage: 'test', after: ['test', 'staged'], target: 'lab' };
    expect(problems((file) => file.spec.environments.push(staged as never, late as never))).toEqual([
      `spec.environments.3.after.1: a test environment after staged, which is of stage ${stage}, is not supported yet: let it follow test environments only`,
    ]);
  });

  it('takes a test environment after another', () => {
    expect(
      problems((file) => file.spec.environments.push({ name: 'late', stage: 'test', after: ['test'], target: 'lab' } as never)),
    ).toEqual([]);
  });

  it('refuses two environments of one name', () => {
    expect(problems((file) => file.spec.environments.push(file.spec.environments[0] as never))[0]).toMatch(
      /two environments are called test/,
    );
  });

  it('wants production to follow something', () => {
    expect(problems((file) => Object.assign(file.spec.environments[1] as object, { after: [] }))[0]).toMatch(/must pass before production/);
  });

  it.each(['--upload-pack=touch /tmp/x', 'ext::sh -c id', 'ssh://-oProxyCommand=id/x', 'javascript:alert(1)', '/etc/passwd'])(
    'refuses %s as a source',
    (url) => {
      expect(problems((file) => Object.assign(file.spec.source.git, { url }))[0]).toMatch(
        /^spec.source.git.url: write a url that starts with https:/,
      );
    },
  );

  it('refuses a password in a url', () => {
    expect(problems((file) => Object.assign(file.spec.source.git, { url: 'https://ann:secret@git.example/shop' }))[0]).toMatch(
      /keep the password out of the url/,
    );
  });

  it.each(['git@git.example:shop.git', 'ssh://git@git.example/shop.git', 'https://ann@git.example/shop', 'file:///srv/shop'])(
    'takes %s as a source',
    (url) => {
      expect(problems((file) => Object.assign(file.spec.source.git, { url }))).toEqual([]);
    },
  );

  it('takes one source and one only', () => {
    expect(problems((file) => Object.assign(file.spec.source, { svn: { url: 'svn://svn.example/shop' } }))[0]).toMatch(
      /exactly one of git and svn/,
    );
  });
});
