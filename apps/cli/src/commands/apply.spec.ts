import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Terminal } from '../a-terminal.fixture.js';
import { GatewayDouble, Refusal } from '../gateway-double.fixture.js';

const terminal = new Terminal();
let double: GatewayDouble | undefined;
const target = 'apiVersion: slipway.dev/v1\nkind: Target\nmetadata: {name: lab}\nspec: {docker: {}}\n';
const project = `apiVersion: slipway.dev/v1
kind: Project
metadata: {name: shop}
spec:
  source: {git: {url: https://git.example/shop.git}}
  image: {repository: localhost:5000/shop}
  environments:
    - {name: test, stage: test, target: moon}
`;
const took = (name: string) => ({ name, version: 2, changed: true });
const takes = { applyProject: () => took('shop'), applyTarget: () => took('lab') };

beforeAll(async () => {
  await mkdir(terminal.at('files'));
  await writeFile(terminal.at('files', 'a-project.yaml'), project);
  await writeFile(terminal.at('files', 'b-target.yml'), target);
  await writeFile(terminal.at('files', 'notes.txt'), 'not for us');
});
afterEach(() => double?.stop());
afterAll(() => terminal.clear());

describe('apply', () => {
  it('brings a folder in, targets first', async () => {
    double = await GatewayDouble.start(takes);
    const ran = await terminal.run(['apply', '-f', terminal.at('files'), '--reason', 'new shop', '--url', double.url]);
    expect(ran).toMatchObject({ exit: 0, out: 'target lab applied, version 2\nproject shop applied, version 2\n' });
    expect(double.asked.map(({ route, query }) => [route, query])).toEqual([
      ['applyTarget', {}],
      ['applyProject', { reason: 'new shop' }],
    ]);
  });

  it('reads standard input, and changes nothing with --dry-run', async () => {
    double = await GatewayDouble.start(takes);
    const ran = await terminal.run(['apply', '-f', '-', '-n', '--json', '--url', double.url], { stdin: `${target}---\n${project}` });
    expect(ran.json()).toMatchObject({
      dryRun: true,
      items: [{ outcome: 'would-change' }, { outcome: 'would-change', name: 'shop', version: 2 }],
    });
    expect(double.asked.map(({ query }) => query)).toEqual([{ 'dry-run': 'true' }, { 'dry-run': 'true' }]);
  });

  it('sends nothing when anything is wrong, and says file, line, column and field of everything', async () => {
    double = await GatewayDouble.start(takes);
    const ran = await terminal.run(['apply', '-f', '-', '--url', double.url], {
      stdin: `${target}---\n${project.replace('stage: test', 'stage: tset')}`,
    });
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toMatch(/^standard input:13:\d+: spec\.environments\[0\]\.stage: /);
    expect(ran.err).toContain('nothing was sent');
    expect(double.asked).toEqual([]);
  });

  it('puts what the gateway says at its place in the file', async () => {
    const problem = {
      status: 422,
      title: 'the project file is not valid',
      errors: [{ field: 'spec.environments.0.target', message: 'there is no target moon', line: 1 }],
    };
    double = await GatewayDouble.start({ ...takes, applyProject: () => new Refusal(problem) });
    const ran = await terminal.run(['apply', '-f', terminal.at('files', 'a-project.yaml'), '--url', double.url]);
    expect(ran.exit).toBe(1);
    expect(ran.err).toContain(`${terminal.at('files', 'a-project.yaml')}:8:33: spec.environments[0].target: there is no target moon`);
    expect(ran.err).toContain('project shop refused');
  });

  it('goes on with the others when one is refused', async () => {
    double = await GatewayDouble.start({ ...takes, applyTarget: () => new Refusal({ status: 403, title: 'not yours' }) });
    const ran = await terminal.run(['apply', '-f', terminal.at('files'), '--json', '--url', double.url]);
    expect(ran.exit).toBe(1);
    expect(ran.json()).toMatchObject({ items: [{ outcome: 'refused', message: 'not yours' }, { outcome: 'applied' }] });
  });

  it('refuses the same document twice', async () => {
    const ran = await terminal.run(['apply', '-f', '-'], { stdin: `${target}---\n${target}` });
    expect(ran.exit).toBe(1);
    expect(ran.err).toContain('standard input:8:12: metadata.name: Target lab stands in standard input:1 already');
  });

  it.each([
    ['a file that is not there', 'gone.yaml', /there is no such file or folder/],
    ['a folder with nothing for it', '.', /no \*\.yaml/],
  ])('says so of %s', async (_, path, says) => {
    const ran = await terminal.run(['apply', '-f', terminal.at(path)]);
    expect(ran.exit).toBe(2);
    expect(ran.err).toMatch(says);
  });
});
