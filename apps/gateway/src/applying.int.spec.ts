import { ProjectApplied, TargetApplied } from '@slipway/contracts';
import { aProjectFile, aTargetFile } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, aScene, problemOf, type Scene } from './gateway.fixture.js';

let scene: Scene;
let administrator: Actor;

beforeAll(async () => {
  scene = await aScene();
  administrator = scene.administrator;
  await administrator.api.applyTarget({ params: { name: 'lab' }, body: aTargetFile() });
});
afterAll(() => scene?.stage.clear());

const yamlOf = (name: string) => `apiVersion: slipway.dev/v1
kind: Project
metadata: {name: ${name}}
spec:
  source: {git: {url: https://git.example/${name}.git}}
  image: {repository: registry:5000/${name}}
  environments:
    - {name: test, stage: test, target: lab}
`;
const apply = (name: string, yaml: string, query = {}) => administrator.api.applyProject({ params: { name }, yaml, query });
/** A request as no honest client sends it. */
const raw = (path: string, init: RequestInit & { duplex?: 'half' }) =>
  fetch(new URL(path, scene.gateway.url), { ...init, headers: { authorization: `Bearer ${administrator.token}`, ...init.headers } });

describe('applying', () => {
  it('puts a file in force, version by version, and tells it; the same file again changes nothing', async () => {
    expect(await apply('hats', yamlOf('hats'), { reason: 'we sell hats' })).toEqual({ name: 'hats', version: 1, changed: true });
    expect(await apply('hats', `# a comment\n${yamlOf('hats')}`)).toEqual({ name: 'hats', version: 1, changed: false });
    const file = aProjectFile({ name: 'hats' });
    expect(await administrator.api.applyProject({ params: { name: 'hats' }, body: file })).toEqual({
      name: 'hats',
      version: 2,
      changed: true,
    });
    expect(await scene.stage.hears(ProjectApplied, (data) => data.version === 2)).toMatchObject({
      project: 'hats',
      file,
      by: { name: 'Ada Administrator' },
    });
    expect(scene.stage.heard.filter(({ name }) => name === 'project.applied')).toHaveLength(2);
    expect(await administrator.api.getProject({ params: { name: 'hats' } })).toMatchObject({
      version: 2,
      file,
      appliedBy: { id: administrator.id },
    });
    const versions = await scene.stage.database.query<{ reason: string }>(
      'select reason from slipway_gateway.project_version order by version',
    );
    expect(versions.map(({ reason }) => reason)).toEqual(['we sell hats', 'applied']);
  });

  it('says what would happen, and does nothing, when dry', async () => {
    expect(await apply('dry', yamlOf('dry'), { 'dry-run': 'true' })).toEqual({ name: 'dry', version: 1, changed: true });
    expect((await problemOf(administrator.api.getProject({ params: { name: 'dry' } }))).status).toBe(404);
  });

  it('names file, field and line of all that is wrong at once', async () => {
    const yaml = yamlOf('bad').replace('stage: test', 'stage: tset').replace('metadata: {name: bad}', 'metadata: {name: bad, colour: red}');
    const problem = await problemOf(apply('bad', yaml));
    expect(problem).toMatchObject({ status: 422, code: 'invalid-file', title: 'The project file is not valid' });
    expect(problem.errors?.map(({ field, line }) => [field, line])).toEqual([
      ['metadata.colour', 3],
      ['spec.environments.0.stage', 8],
    ]);
  });

  it('refuses a target that does not exist, with the line', async () => {
    const problem = await problemOf(apply('lost', yamlOf('lost').replace('target: lab', 'target: moon')));
    expect(problem).toMatchObject({
      status: 422,
      errors: [{ field: 'spec.environments.0.target', line: 8, message: expect.stringContaining('moon') }],
    });
  });

  it('refuses a file of another name than its address', async () => {
    expect(await problemOf(apply('one', yamlOf('two')))).toMatchObject({ status: 422, errors: [{ field: 'metadata.name', line: 3 }] });
  });

  it('keeps a target that a project names, and lets it go after', async () => {
    await administrator.api.applyTarget({ params: { name: 'attic' }, body: aTargetFile({ name: 'attic' }) });
    await apply('gone', yamlOf('gone').replace('target: lab', 'target: attic'));
    expect(await problemOf(administrator.api.removeTarget({ params: { name: 'attic' } }))).toMatchObject({
      status: 409,
      code: 'target-in-use',
      detail: expect.stringContaining('gone'),
    });
    expect(await administrator.api.removeProject({ params: { name: 'gone' } })).toEqual({ name: 'gone', version: 2, changed: true });
    expect(await administrator.api.removeTarget({ params: { name: 'attic' } })).toEqual({ name: 'attic', version: 2, changed: true });
    await scene.stage.hears(TargetApplied, (data) => data.target === 'attic' && data.file === null);
    expect((await administrator.api.listProjects({})).items.map(({ name }) => name)).not.toContain('gone');
    expect((await problemOf(administrator.api.removeProject({ params: { name: 'gone' } }))).status).toBe(404);
    expect((await apply('gone', yamlOf('gone'))).version).toBe(3);
  });

  it('gives each of two who apply at once a version of their own', async () => {
    const outcomes = await Promise.all(['1', '2', '3', '4'].map((cpus) => apply('race', `${yamlOf('race')}  app: {cpus: ${cpus}}\n`)));
    expect(new Set(outcomes.map(({ version }) => version))).toEqual(new Set([1, 2, 3, 4]));
  });
});

describe('hostile bodies', () => {
  it.each([
    ['broken YAML', 'application/yaml', 'a: [1', 400],
    ['broken JSON', 'application/json', '{"a":', 400],
    ['an empty file', 'application/yaml', '', 400],
    ['a nest of 100,000', 'application/json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['a prototype', 'application/json', '{"__proto__": {"admin": true}, "kind": "Project"}', 400],
    ['NUL in a text', 'application/yaml', 'kind: "a\\0b"\n', 400],
    ['half a character', 'application/json', '{"kind": "\\ud800"}', 400],
    ['no file at all', 'text/plain', 'hello', 415],
  ])('%s is refused', async (_, type, body, status) => {
    const answer = await raw('/api/v1/projects/shop', { method: 'PUT', body, headers: { 'content-type': type } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, expect.stringContaining('application/problem+json')]);
  });

  it('more than the limit is cut off', async () => {
    const answer = await raw('/api/v1/projects/shop', {
      method: 'PUT',
      body: 'x'.repeat(1_200_000),
      headers: { 'content-type': 'application/yaml' },
    });
    expect(answer.status).toBe(413);
  });

  it.each([
    ['an unknown property', '/api/v1/tokens', '{"name": "x", "person": "somebody else"}', 'person'],
    ['a wrong type', '/api/v1/tokens', '{"name": 7}', 'name'],
    ['NUL', '/api/v1/tokens', '{"name": "a\\u0000b"}', undefined],
    ['a list for an object', '/api/v1/tokens', '[]', ''],
  ])('%s is refused with its field', async (_, path, body, field) => {
    const answer = await raw(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(400);
    const problem = (await answer.json()) as { errors?: { field: string }[] };
    expect(problem.errors?.[0]?.field).toBe(field);
  });

  it.each([
    '/api/v1/releases?limit=1000000000',
    '/api/v1/releases?sort=id;drop',
    '/api/v1/releases?project[$ne]=x',
    '/api/v1/releases?project=a&project=b',
    '/api/v1/releases?cursor=forged',
    `/api/v1/releases?cursor=${Buffer.from('["x","y"]').toString('base64url')}`,
    '/api/v1/releases/not-an-id',
    '/api/v1/releases/shop/-1',
    '/api/v1/events?after=x',
  ])('%s is refused', async (path) => {
    expect((await raw(path, {})).status).toBe(400);
  });

  it('an address nobody serves is not found, as a problem, with the headers that protect browsers', async () => {
    const answer = await raw('/api/v1/nothing', {});
    expect([answer.status, answer.headers.get('x-content-type-options')]).toEqual([404, 'nosniff']);
    expect(await answer.json()).toMatchObject({ status: 404 });
  });
});
